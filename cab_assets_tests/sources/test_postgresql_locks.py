"""DDL of another program, before and while a day is read."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from cab_assets.environment import Environment
from cab_assets.sources import bookings_db, postgresql
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import TableLocked
from cab_assets.sources.postgresql_session import lock
from cab_assets_tests.patience import until, within
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

RIDES = [ride(f"BK{number}", f"{DAY} 10:00:{number:02}") for number in range(20)]
REWRITTEN = {
    "truncated": [
        "CREATE TEMP TABLE kept AS SELECT * FROM {table}",
        "TRUNCATE {table}",
        "INSERT INTO {table} SELECT * FROM kept",
    ],
    "another type": ["ALTER TABLE {table} ALTER trip_fare TYPE numeric(11,2)"],
    "another table": [
        "CREATE TABLE {table}_new (LIKE {table} INCLUDING ALL)",
        "INSERT INTO {table}_new SELECT * FROM {table}",
        "ALTER TABLE {table} RENAME TO {table}_old",
        "ALTER TABLE {table}_new RENAME TO {table}",
        "GRANT SELECT ON {table} TO {role}",
    ],
}


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(*RIDES)
        yield made


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def waits_for_the_table(found: Source) -> bool:
    """Whether a session of the reader waits for a lock."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
    return bool(found.sql(asked, found.role))


def soon(condition: Callable[[], bool]) -> None:
    until(condition, 20)


@contextmanager
def uncommitted(found: Source, statements: list[str]) -> Iterator[None]:
    """A transaction of the table's owner, which commits when the block ends."""
    with found.connection() as connection, connection.transaction():
        for statement in statements:
            connection.execute(
                statement.replace("{table}", found.table).replace("{role}", found.role)
            )
        yield


def while_rewritten(
    found: Source, statements: list[str], elsewhere: ThreadPoolExecutor, read: Callable[[], object]
) -> object:
    """What is read by somebody who comes before the rewriting is committed."""
    with uncommitted(found, statements):
        reading = elsewhere.submit(read)
        soon(lambda: waits_for_the_table(found))
    return reading.result()


@pytest.mark.parametrize("how", REWRITTEN)
def test_a_day_read_while_its_table_is_rewritten_is_whole(
    table: Source, elsewhere: ThreadPoolExecutor, how: str
) -> None:
    read = while_rewritten(table, REWRITTEN[how], elsewhere, lambda: rows(table.reader))
    assert isinstance(read, pa.Table)
    assert read.num_rows == len(RIDES)


@pytest.mark.parametrize("how", REWRITTEN)
def test_figures_of_a_table_that_is_rewritten_are_those_of_all_rows(
    table: Source, elsewhere: ThreadPoolExecutor, how: str
) -> None:
    def look() -> object:
        days = table.reader.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)
        return {day: found.rows for day, found in days.items()}

    assert while_rewritten(table, REWRITTEN[how], elsewhere, look) == {str(DAY): len(RIDES)}


def test_a_day_of_a_view_is_whole_though_its_table_is_rewritten(
    table: Source, elsewhere: ThreadPoolExecutor
) -> None:
    table.sql("CREATE VIEW {role}_view AS SELECT * FROM {table}")
    table.sql("GRANT SELECT ON {role}_view TO {role}")
    view = BookingsDb(table.reader.dialect, f"{table.role}_view")
    read = while_rewritten(table, REWRITTEN["truncated"], elsewhere, lambda: rows(view))
    assert isinstance(read, pa.Table)
    assert read.num_rows == len(RIDES)


def test_a_day_of_a_partition_that_is_truncated_is_whole(
    table: Source, parted: BookingsDb, elsewhere: ThreadPoolExecutor
) -> None:
    again = [each.replace("{table}", "{role}_day") for each in REWRITTEN["truncated"]]
    read = while_rewritten(table, again, elsewhere, lambda: rows(parted))
    assert isinstance(read, pa.Table)
    assert read.num_rows == len(RIDES)


def test_a_day_of_a_materialized_view_that_is_refreshed_is_whole(
    table: Source, elsewhere: ThreadPoolExecutor
) -> None:
    table.sql("CREATE MATERIALIZED VIEW {role}_kept AS SELECT * FROM {table}")
    table.sql("GRANT SELECT ON {role}_kept TO {role}")
    kept = BookingsDb(table.reader.dialect, f"{table.role}_kept")
    read = while_rewritten(
        table, ["REFRESH MATERIALIZED VIEW {role}_kept"], elsewhere, lambda: rows(kept)
    )
    assert isinstance(read, pa.Table)
    assert read.num_rows == len(RIDES)


def test_a_user_who_may_read_our_columns_alone_is_enough(table: Source) -> None:
    table.sql("ALTER TABLE {table} ADD secret text")
    table.sql("REVOKE SELECT ON {table} FROM {role}")
    columns = ", ".join(RIDES[0])
    table.sql(f"GRANT SELECT ({columns}) ON {{table}} TO {{role}}")
    assert rows(table.reader).num_rows == len(RIDES)


def test_a_table_that_stays_locked_is_named(table: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookings_db, "LOCK_SECONDS", 0)
    monkeypatch.setattr(postgresql, "LOCK_SECONDS", 1)
    with uncommitted(table, ["LOCK TABLE {table}"]):
        for read in (lambda: rows(table.reader), table.reader.reach):
            with pytest.raises(TableLocked, match=r"TRUNCATE, ALTER TABLE, .*then run again"):
                read()


def partitioned() -> list[str]:
    return [
        "CREATE TABLE {role}_parted (LIKE {table}) PARTITION BY RANGE (pickup_timestamp)",
        (
            f"CREATE TABLE {{role}}_day PARTITION OF {{role}}_parted FOR VALUES FROM ('{DAY}') TO"
            " ('2020-09-02')"
        ),
        (
            "CREATE TABLE {role}_next PARTITION OF {role}_parted FOR VALUES FROM ('2020-09-02') TO"
            " ('2020-09-03')"
        ),
        "INSERT INTO {role}_parted SELECT * FROM {table}",
        "GRANT SELECT ON {role}_parted TO {role}",
    ]


DETACH = "ALTER TABLE {role}_parted DETACH PARTITION {role}_next"  # of another day


@pytest.fixture
def parted(table: Source) -> BookingsDb:
    for statement in partitioned():
        table.sql(statement)
    return BookingsDb(table.reader.dialect, f"{table.role}_parted")


def ddl_waits(found: Source) -> bool:
    return bool(
        found.sql("SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_ddl_that_is_asked_for_before_any_of_our_locks_is_in_nobodys_way(
    table: Source,
    parted: BookingsDb,
    elsewhere: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    asked: list[Future[object]] = []
    numbers = count(1)

    def ask_first(cursor: Any, name: str) -> None:
        if next(numbers) == number:
            asked.append(elsewhere.submit(table.sql, DETACH))
            soon(lambda: asked[0].done() if number == 1 else ddl_waits(table))
        lock(cursor, name)

    monkeypatch.setattr(postgresql, "lock", ask_first)
    with within(10), parted.day(DAY) as day:
        asked[0].result()  # it is done before the day is read
        assert sum(each.rows.num_rows for each in day.slices()) == len(RIDES)


def test_ddl_that_is_asked_for_while_a_day_is_read_waits_for_its_end(
    table: Source, parted: BookingsDb, elsewhere: ThreadPoolExecutor
) -> None:
    with parted.day(DAY) as day:
        ddl = elsewhere.submit(table.sql, DETACH)
        soon(lambda: ddl_waits(table))
        assert day.control_totals().fingerprint.rows == len(RIDES)
        assert sum(each.rows.num_rows for each in day.slices()) == len(RIDES)
        assert not ddl.done()
    ddl.result(10)
