"""Drop times that Hive and Python do not have."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

AT = f"{DAY} 10:00:00"
NO_TIMES = [
    "294276-12-31 23:59:59.999999",
    "10000-01-02 00:00:00",
    "0001-12-30 23:59:59 BC",
    "4713-01-01 00:00:00 BC",
    "infinity",
    "-infinity",
]
TIMES = ["0001-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"]
ways = pytest.mark.parametrize("indexed", [True, False], ids=["packed", "one by one"])


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        yield made


def read(db: BookingsDb) -> tuple[int, list[datetime | None]]:
    """How many drop times are counted as none, and all that are read."""
    with db.day(DAY) as day:
        return day.control_totals().unreal_times, rows(db)["drop_timestamp"].to_pylist()


@ways
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "America/New_York"])
def test_a_drop_time_that_hive_does_not_have_is_null_and_counted(
    table: Source, indexed: bool, zone: str | None
) -> None:
    if not indexed:
        table.sql("DROP INDEX {table}_pickup_timestamp")
    db = table.reader
    if zone:
        db = replace(db, dialect=replace(db.dialect, zone=zone))
        table.sql("ALTER TABLE {table} ALTER drop_timestamp TYPE timestamptz")
    clock = f"AT TIME ZONE '{zone}'" if zone else ""
    drops = (
        [f"timestamp '{each}'" for each in NO_TIMES]
        + [f"timestamp '{each}' {clock}" for each in TIMES]
        + ["NULL"]
    )
    for number, drop in enumerate(drops):
        table.insert(ride(f"BK{number}", AT))
        table.sql(
            f"UPDATE {{table}} SET drop_timestamp = {drop} WHERE booking_id = %s", f"BK{number}"
        )
    expected = [None] * len(NO_TIMES) + [datetime.fromisoformat(each) for each in TIMES] + [None]
    assert read(db) == (len(NO_TIMES), expected)
