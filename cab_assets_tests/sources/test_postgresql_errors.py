"""The first error of a day is the one that is shown, and is that day's alone."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.days import import_days
from cab_assets.daily.import_day import ImportedDay
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source
from cab_assets_tests.versions import bookings_days

NEXT = DAY + timedelta(1)


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(*(ride(f"BK{second}", f"{DAY} 10:00:{second:02}") for second in range(20)))
        made.insert(ride("OTHER", f"{NEXT} 10:00:00"))
        yield made


def view(table: Source, where: str = "true", **values: str) -> BookingsDb:
    """Return a view of the table that has other values."""
    columns = ", ".join(
        f"{values[name]} AS {name}" if name in values else name for name in BOOKINGS.names
    )
    table.sql(f"CREATE VIEW {{role}}_view AS SELECT {columns} FROM {{table}} WHERE {where}")
    table.sql("GRANT SELECT ON {role}_view TO {role}")
    return BookingsDb(table.reader.dialect, f"{table.role}_view")


def imported(db: BookingsDb, folder: Path) -> dict[str, ImportedDay | Exception]:
    return dict(
        import_days(
            db,
            bookings_days(Lake(f"file://{folder}"), [str(DAY), str(NEXT)]),
            "run",
            at_once=1,
            say=print,
        )
    )


def fails_alone(db: BookingsDb, folder: Path, why: str) -> None:
    """One day fails for that reason; the next one is imported."""
    days = imported(db, folder)
    failure = days[str(DAY)]
    assert isinstance(failure, BookingsDbRefused), failure
    assert why in str(failure)
    assert "aborted" not in str(failure)
    assert isinstance(days[str(NEXT)], ImportedDay), days


@pytest.fixture(autouse=True, params=["rows first", "figures first"])
def order(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the source's own figures fail before or while rows are read."""
    if request.param == "rows first":
        return
    slices = SourceDay.slices

    def after_control(day: SourceDay) -> Iterator[Slice]:
        with suppress(psycopg.Error):
            day.control_totals()
        return slices(day)

    monkeypatch.setattr(SourceDay, "slices", after_control)


def test_a_view_that_divides_by_zero_for_a_ride_says_so(table: Source, tmp_path: Path) -> None:
    db = view(table, customer_id="customer_id / (CASE booking_id WHEN 'BK7' THEN 0 ELSE 1 END)")
    fails_alone(db, tmp_path, "division by zero. The server's message has the reason: fix it in")


def test_a_view_that_writes_is_named(table: Source, tmp_path: Path) -> None:
    table.sql("CREATE SEQUENCE {role}_numbers")
    table.sql("GRANT USAGE ON {role}_numbers TO {role}")
    db = view(
        table,
        customer_id=(
            f"CASE WHEN pickup_timestamp < '{NEXT}' THEN nextval('{table.role}_numbers') END"
        ),
    )
    fails_alone(
        db,
        tmp_path,
        "cannot execute nextval() in a read-only transaction. The view calls a function that",
    )


def test_a_user_whose_statements_are_timed_out_is_told_which_limit(
    table: Source, tmp_path: Path
) -> None:
    db = view(table, where=f"pickup_timestamp >= '{NEXT}' OR pg_sleep(0.2) IS NOT NULL")
    table.sql("ALTER ROLE {role} SET statement_timeout = '1s'")
    fails_alone(
        db, tmp_path, "canceling statement due to statement timeout. The server, its administrator"
    )


@pytest.mark.parametrize(
    "granted",
    ["booking_id, pickup_timestamp", "booking_id, pickup_timestamp, trip_fare, tip_amount"],
)
def test_a_user_who_may_not_read_every_column_is_told_to_be_granted_it(
    table: Source, tmp_path: Path, granted: str
) -> None:
    table.sql("REVOKE SELECT ON {table} FROM {role}")
    table.sql(f"GRANT SELECT ({granted}) ON {{table}} TO {{role}}")
    for failure in imported(table.reader, tmp_path).values():
        assert "permission denied for table" in str(failure)
        assert "GRANT SELECT on the table, or on each column that is imported" in str(failure)
