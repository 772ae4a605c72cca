"""What is written of odd and random values equals what PyMySQL is given of them by MariaDB."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pymysql
import pytest

from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.odd_values import Ride, by_key, changes, odd_rides, sent, written
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = date(2020, 9, 1)
NO_TIMES = [
    "0000-00-00 00:00:00",
    "2020-02-00 10:00:00",
    "2020-00-15 10:00:00",
    "2020-02-31 10:00:00",
]
RIDES = 300


@pytest.fixture(params=["utf8mb4", "utf16"], ids=["one character set", "two character sets"])
def rides(request: pytest.FixtureRequest, mariadb: Database, tmp_path: Path) -> Rides:
    made = new_rides(mariadb, f"values_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    texts = [each.name for each in BOOKINGS.columns if each.type == "string"][1:]
    made.admin(f"ALTER TABLE {{table}} {', '.join(f'MODIFY {name} longtext' for name in texts)}")
    made.admin(
        "ALTER TABLE {table}"
        + ", ".join(f" MODIFY {name} longtext CHARACTER SET {request.param}" for name in texts[::2])
    )
    return made


@contextmanager
def plain(rides: Rides) -> Iterator[Any]:
    """A cursor of an administrator, who may store any date."""
    login: dict[str, Any] = {"host": "127.0.0.1", "port": rides.port, "user": "root"}
    login |= {"database": "rides", "charset": "utf8mb4", "autocommit": True}
    with closing(pymysql.connect(**login)) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
        yield cursor


def insert(rides: Rides, cursor: Any, *made: Ride) -> None:
    marks = ", ".join(["%s"] * len(BOOKINGS.names))
    statement = (
        f"INSERT INTO {rides.env.bookings_table} ({', '.join(BOOKINGS.names)}) VALUES ({marks})"
    )
    cursor.executemany(statement, [[each[name] for name in BOOKINGS.names] for each in made])


def test_every_value_is_written_as_it_is(rides: Rides) -> None:
    columns = ", ".join(
        f"cast({each.name} AS char)" if each.type == "timestamp" else each.name
        for each in BOOKINGS.columns
    )
    with plain(rides) as cursor:
        insert(rides, cursor, *odd_rides(DAY, RIDES, {"timestamp": NO_TIMES}))
        manifest = rides.run(str(DAY))
        cursor.execute(f"SELECT {columns} FROM {rides.env.bookings_table}")
        rows = cursor.fetchall()
    assert manifest.passed, manifest.findings
    assert len(rows) == RIDES
    assert by_key(written(rides.lake, manifest)) == by_key(sent(rows))


def test_one_change_of_each_kind_to_each_column_is_noticed(rides: Rides) -> None:
    """But for 0.0 and -0.0: MariaDB stores both as 0.0."""
    with plain(rides) as cursor:
        differing = [
            (column, before, after)
            for column, before, after in changes(NO_TIMES)
            if before != after
        ]
        unnoticed = [change for change in differing if not noticed(rides, cursor, *change)]
    assert unnoticed == []


def noticed(rides: Rides, cursor: Any, column: str, before: Any, after: Any) -> bool:
    table = rides.env.bookings_table
    cursor.execute(f"DELETE FROM {table}")
    usual = ride("BK1", f"{DAY} 12:00:00")
    insert(rides, cursor, usual, ride("BK2", f"{DAY} 12:00:00") | {column: before})
    first = rides.seen()[str(DAY)]
    key = before if column == "booking_id" else "BK2"
    cursor.execute(f"UPDATE {table} SET {column} = %s WHERE booking_id = %s", (after, key))
    return first.differs_from(rides.seen()[str(DAY)])
