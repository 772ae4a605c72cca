"""A server that goes away, a connection that is ended, and a run that is told to end."""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pymysql
import pytest

from cab_assets.daily.days import import_days
from cab_assets.sources.failures import BookingsDbRefused, BookingsDbUnavailable
from cab_assets_tests.cluster import databases
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.patience import until, within
from cab_assets_tests.processes import row_readers
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import bookings_days

pytestmark = pytest.mark.cluster

DAY = date(2020, 1, 2)
ROWS = 40_000


class ToldToEnd(BaseException):
    """As Dagster's own is."""


def filled(database: Database, folder: Path) -> Rides:
    """Return a day of many rides, in a table without an index."""
    made = new_rides(database, f"interrupts_{abs(hash(folder)) % 10**9}", folder)
    made.admin("ALTER TABLE {table} DROP INDEX pickup_timestamp, DROP PRIMARY KEY")
    made.insert(ride("BK0", f"{DAY} 10:00:00"))
    others = ", ".join(name for name in ride("", "") if name != "booking_id")
    made.admin(
        f"INSERT INTO {{table}} (booking_id, {others}) SELECT concat('BK', seq), {others} FROM"
        f" {{table}}, seq_1_to_{ROWS}"
    )
    return made


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    return filled(mariadb, tmp_path)


def slow(rides: Rides) -> Rides:
    """Return a view of them that gives 800,000 rows in more than four minutes."""
    table = rides.env.bookings_table
    rides.admin(
        f"CREATE VIEW slow_{table} AS SELECT rides.* FROM {table} AS rides, seq_1_to_20 AS times"
        " WHERE sleep(0.0003) = 0"
    )
    return Rides(rides.env.but(bookings_table=f"slow_{table}"), rides.port, rides.lake)


def connected(rides: Rides) -> Any:
    """Return a connection, or None where the server resets it, as a busy one does now and then."""
    with suppress(pymysql.err.OperationalError):
        return pymysql.connect(host="127.0.0.1", port=rides.port, user="root")
    return None


def sessions(rides: Rides) -> list[tuple[Any, ...]]:
    """Return number and statement of each connection of the pipeline's user."""
    with closing(until(lambda: connected(rides), 10)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, info, state FROM information_schema.processlist WHERE user = 'cab'"
        )
        return list(cursor.fetchall())


def test_a_connection_that_is_ended_while_rows_are_read_is_no_odd_value(rides: Rides) -> None:
    with slow(rides).db.day(DAY) as source:
        slices = source.slices()
        next(slices)
        reading = [
            number
            for number, statement, _ in sessions(rides)
            if statement and "rows for connection" in statement
        ]
        for number in reading:
            rides.admin(f"KILL {number}")
        assert reading
        with pytest.raises(BookingsDbUnavailable, match="was lost while rows were read"):
            list(slices)


def use_after_kill(rides: Rides, server: int) -> None:
    """Ask once more over a connection that has already raised an error."""
    with rides.db.cursor() as cursor:
        os.kill(server, signal.SIGKILL)
        with suppress(pymysql.MySQLError):
            while True:
                cursor.execute("SELECT 1")
        cursor.execute("SELECT 1")


def test_a_server_that_is_killed_is_told_as_gone(tmp_path: Path) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="cab-killed-") as folder,
        databases.mariadb(Path(folder), f"--pid-file={folder}/pid") as database,
    ):
        rides, server = (
            new_rides(database, "bookings", tmp_path),
            int(Path(folder, "pid").read_text()),
        )
        with pytest.raises(BookingsDbUnavailable, match="connection to the server was lost"):
            use_after_kill(rides, server)


def test_a_login_that_a_package_is_missing_for_says_what_to_do(rides: Rides) -> None:
    rides.admin("INSTALL SONAME 'auth_ed25519'")
    rides.admin("CREATE OR REPLACE USER cab_ed25519@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x')")
    env = rides.env.but(bookings_db_url=f"mysql://cab_ed25519@127.0.0.1:{rides.port}/rides")
    with pytest.raises(BookingsDbRefused, match=r"ed25519.*mysql_native_password"):
        Rides(env, rides.port, rides.lake).db.reach()


@contextmanager
def told_to_end(rides: Rides) -> Iterator[None]:
    """Let SIGUSR1 end the block, soon; then wait until no connection is left."""

    def end(*_: object) -> None:
        raise ToldToEnd

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with within(5), pytest.raises(ToldToEnd):
            yield
        until(lambda: sessions(rides) == [], 5)
    finally:
        signal.signal(signal.SIGUSR1, before)


def tell() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


@contextmanager
def told_to_end_when(rides: Rides, words: str, state: str) -> Iterator[None]:
    """Raise ToldToEnd in this thread as soon as the server says that of a statement."""

    def tell_then() -> None:
        until(
            lambda: any(
                words in (info or "") and state in (found or "")
                for _, info, found in sessions(rides)
            ),
            30,
        )
        tell()

    teller = threading.Thread(target=tell_then)
    with told_to_end(rides):
        teller.start()
        try:
            yield
        finally:
            teller.join()


@contextmanager
def locked(rides: Rides) -> Iterator[None]:
    """Keep the table locked, as another program's ALTER TABLE does."""
    with (
        closing(
            pymysql.connect(host="127.0.0.1", port=rides.port, user="root", database="rides")
        ) as other,
        other.cursor() as cursor,
    ):
        cursor.execute(f"LOCK TABLES {rides.env.bookings_table} WRITE")
        yield


def import_two(rides: Rides) -> object:
    return list(
        import_days(
            rides.db,
            bookings_days(rides.lake, [str(DAY), "2020-01-03"]),
            "run",
            at_once=2,
            say=print,
        )
    )


@pytest.mark.parametrize("work", [import_two, Rides.seen])
def test_a_run_that_is_told_to_end_does_not_wait_for_a_lock_of_mysql(
    rides: Rides, work: Callable[[Rides], object]
) -> None:
    with locked(rides), told_to_end_when(rides, "SELECT", "lock"):
        work(rides)


def searched(rides: Rides) -> Rides:
    """Return a view of them in which the server searches for more than a minute for its
    first row.
    """
    table = rides.env.bookings_table
    rides.admin(f"CREATE VIEW searched_{table} AS SELECT * FROM {table} WHERE sleep(0.002) = 1")
    return Rides(rides.env.but(bookings_table=f"searched_{table}"), rides.port, rides.lake)


def import_one(rides: Rides) -> object:
    return list(
        import_days(rides.db, bookings_days(rides.lake, [str(DAY)]), "run", at_once=1, say=print)
    )


@pytest.mark.parametrize("view", [slow, searched])
def test_a_run_that_is_told_to_end_ends_the_statement_that_reads_rows(
    rides: Rides, view: Callable[[Rides], Rides]
) -> None:
    of_view = view(rides)
    with told_to_end_when(of_view, "rows for connection", ""):
        import_one(of_view)
    assert row_readers() == []


@pytest.mark.parametrize("seconds", [0, 0.05, 0.2, 0.5, 1, 3])
def test_a_run_of_mysql_can_be_told_to_end_at_any_moment(rides: Rides, seconds: float) -> None:
    of_view = slow(rides)
    with told_to_end(of_view):
        threading.Timer(seconds, tell).start()
        import_one(of_view)
    assert row_readers() == []
