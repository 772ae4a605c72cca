from datetime import UTC, datetime, timedelta

import pytest

from cab_assets.sources.bookings_db import BookingsDb
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride


@pytest.mark.parametrize("zoned", [False, True])
def test_rows_after_today_belong_to_no_day_and_are_counted(pipeline: Pipeline, zoned: bool) -> None:
    if zoned:
        pipeline.sql("ALTER TABLE {table} ALTER pickup_timestamp TYPE timestamptz")
    today = datetime.now(UTC).date()
    tomorrow, last = f"{today + timedelta(1)} 00:00:00", f"{today} 23:59:59.999999"
    pipeline.insert(ride("BK0", last))
    assert lost(pipeline.db, pipeline) == 0
    times = [tomorrow, "9999-12-31 10:00:00", "12020-02-12 10:00:00"]
    pipeline.insert(
        *(ride(f"BK{time}", "2020-01-01") | {"pickup_timestamp": time} for time in times)
    )
    assert lost(pipeline.db, pipeline) == 3


def lost(db: BookingsDb, pipeline: Pipeline) -> int:
    return db.rows_without_a_day(pipeline.env.start_date, seconds=10)
