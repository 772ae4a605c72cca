"""Locks and DDL of another program, before and while days of MySQL are read."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pymysql
import pytest

from cab_assets.daily import retries
from cab_assets.daily.days import import_days
from cab_assets.sources import bookings_db, mysql_connection
from cab_assets.sources.failures import TableLocked
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.patience import patience, until, within
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import bookings_days

pytestmark = pytest.mark.cluster

DAY = date(2020, 1, 2)
DAYS = [f"2020-01-0{number}" for number in range(2, 6)]
ROWS = 30_000
DDL = "ALTER TABLE {table} ADD note varchar(9)"
NAMED = r"Another program holds or requests a lock on the table.*LOCK TABLES, ALTER TABLE"


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    return new_rides(mariadb, f"locks_{abs(hash(tmp_path)) % 10**9}", tmp_path)


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(1)
    yield pool
    pool.shutdown(wait=False)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    monkeypatch.setattr(bookings_db, "LOCK_SECONDS", 0)
    monkeypatch.setattr(mysql_connection, "LOCK_SECONDS", 1)


@contextmanager
def locked(rides: Rides) -> Iterator[None]:
    """Keep the table locked, as another program does."""
    login = {"host": "127.0.0.1", "port": rides.port, "user": "root", "database": "rides"}
    with closing(pymysql.connect(**login)) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {rides.env.bookings_table} WRITE")
        yield


def rows_are_read(rides: Rides) -> bool:
    """Whether the server has begun to send the rows of a day."""
    asked = "SELECT 1 FROM information_schema.processlist WHERE user = 'cab' AND info LIKE %s"
    login = {"host": "127.0.0.1", "port": rides.port, "user": "root"}
    with closing(pymysql.connect(**login)) as other, other.cursor() as cursor:
        return bool(cursor.execute(f"{asked} AND state LIKE 'Sending%%'", ("/* rows for%",)))


def test_ddl_of_another_program_need_not_wait_for_an_idle_day(
    rides: Rides, elsewhere: ThreadPoolExecutor
) -> None:
    rides.insert(ride("BK1", f"{DAY} 10:00:00"))
    with rides.db.day(DAY) as source:
        assert source.control_totals().fingerprint.rows == 1
        elsewhere.submit(rides.admin, DDL).result(patience(5))
        assert sum(each.rows.num_rows for each in source.slices()) == 1


def test_days_at_once_are_imported_though_ddl_comes_between(
    rides: Rides, elsewhere: ThreadPoolExecutor
) -> None:
    rides.insert(ride("BK0", f"{DAY} 10:00:00"))
    others = ", ".join(
        name for name in ride("", "") if name not in ("booking_id", "pickup_timestamp")
    )
    given = f"concat('BK', seq), '{DAY}' + INTERVAL (seq MOD {len(DAYS)}) DAY, {others}"
    copies = f"SELECT {given} FROM {{table}}, seq_1_to_{ROWS * len(DAYS)} WHERE booking_id = 'BK0'"
    rides.admin(f"INSERT INTO {{table}} (booking_id, pickup_timestamp, {others}) {copies}")

    def alter() -> None:
        until(lambda: rows_are_read(rides), 30)
        rides.admin(DDL)

    ddl: Future[None] = elsewhere.submit(alter)
    with within(60):
        imported = dict(
            import_days(rides.db, bookings_days(rides.lake, DAYS), "run", at_once=2, say=print)
        )
    ddl.result(patience(5))
    assert {day: getattr(each, "changed", each) for day, each in imported.items()} == dict.fromkeys(
        DAYS, True
    )


@pytest.mark.usefixtures("impatient")
def test_a_table_of_mysql_that_stays_locked_is_named(rides: Rides) -> None:
    said: list[str] = []
    with locked(rides), within(10):
        ((_, error),) = import_days(
            rides.db, bookings_days(rides.lake, [str(DAY)]), "run", at_once=1, say=said.append
        )
        with pytest.raises(TableLocked, match=NAMED):
            rides.seen()
    with pytest.raises(TableLocked, match=NAMED):
        raise error if isinstance(error, Exception) else AssertionError(error)
    assert "retry 1 of 1" in said[0]
    assert "LOCK TABLES" in said[0]


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_comes_before_the_rows_of_mysql_is_named(rides: Rides) -> None:
    with (
        rides.db.day(DAY) as source,
        locked(rides),
        within(5),
        pytest.raises(TableLocked, match=NAMED),
    ):
        list(source.slices())
