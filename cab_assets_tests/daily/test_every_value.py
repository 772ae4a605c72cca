"""What is written of odd and random values equals what psycopg is given of them, by both readers of
PostgreSQL.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.environment import Environment
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.odd_values import by_key, changes, odd_rides, sent, written
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source
from cab_assets_tests.versions import bookings_day

NO_TIMES = [
    "infinity",
    "-infinity",
    "0044-03-15 12:00:00 BC",
    "10000-01-01 00:00:00",
    "294276-12-31 23:59:59.999999",
]
MORE: dict[str, list[Any]] = {"double": [math.inf, -math.inf, math.nan], "timestamp": NO_TIMES}
RIDES = 300


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        texts = ", ".join(
            f"ALTER {each.name} TYPE text" for each in BOOKINGS.columns if each.type == "string"
        )
        made.sql(f"ALTER TABLE {{table}} {texts}")
        yield made


@pytest.mark.parametrize("indexed", [True, False], ids=["packed", "COPY"])
@pytest.mark.parametrize("window_rows", [20_000, 7])
def test_every_value_is_written_as_it_is(
    table: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indexed: bool, window_rows: int
) -> None:
    monkeypatch.setattr("cab_assets.sources.postgresql_windows.WINDOW_ROWS", window_rows)
    if not indexed:
        table.sql("DROP INDEX {table}_pickup_timestamp")
    table.insert(*odd_rides(DAY, RIDES, MORE))
    lake = Lake(f"file://{tmp_path}")
    manifest = import_day(table.reader, bookings_day(lake, DAY), "run").manifest
    assert manifest.passed, manifest.findings
    columns = ", ".join(
        f"{each.name}::text" if each.type == "timestamp" else each.name for each in BOOKINGS.columns
    )
    with table.connection() as connection:
        rows = connection.execute(f"SELECT {columns} FROM {table.table}").fetchall()
    assert len(rows) == RIDES
    assert by_key(written(lake, manifest)) == by_key(sent(rows))


def test_one_change_of_each_kind_to_each_column_is_noticed(table: Source) -> None:
    unnoticed = [change for change in changes(NO_TIMES) if not noticed(table, *change)]
    assert unnoticed == []


def noticed(table: Source, column: str, before: Any, after: Any) -> bool:
    table.sql("TRUNCATE {table}")
    table.insert(ride("BK1", f"{DAY} 12:00:00"), ride("BK2", f"{DAY} 12:00:00") | {column: before})
    key = before if column == "booking_id" else "BK2"
    first = seen(table)
    table.sql(f"UPDATE {{table}} SET {column} = %s WHERE booking_id = %s", after, key)
    return first.differs_from(seen(table))


def seen(table: Source) -> Fingerprint:
    return table.reader.fingerprints(DAY, DAY.replace(day=2), hashed=True, seconds=10)[str(DAY)]
