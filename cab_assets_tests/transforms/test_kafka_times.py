"""From which Kafka time on a record can have arrived."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cab_assets.transforms.clickstream import Reader
from cab_assets_tests.transforms.test_clickstream import UNUSABLE, at, by_arrow

START = date(2020, 1, 1)
CLICK = at("2020-01-01 00:00:00")
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", datetime(2020, 1, 1, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2019, 12, 31, 18, 30, tzinfo=UTC)),
        ("America/New_York", datetime(2020, 1, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_kafka_time_before_the_start_date_of_the_zone_is_unusable(
    zone: str, midnight: datetime
) -> None:
    reader = Reader(START, zone)
    assert reader.read(by_arrow([CLICK], midnight))["reasons"].to_pylist() == [None]
    began = datetime.now(UTC)
    (row,) = reader.read(by_arrow([CLICK], midnight - MOMENT)).to_pylist()
    assert row["reasons"] == UNUSABLE
    assert began <= row["kafka_timestamp"] <= datetime.now(UTC)


@pytest.mark.parametrize("counted", [0, -1, 1, 1_584_180_000_000, -(10**15)])
def test_a_producer_that_counts_no_milliseconds_does_not_make_clicks_early(counted: int) -> None:
    read = Reader(START, "UTC").read(by_arrow([CLICK], counted))
    assert read["reasons"].to_pylist() == [UNUSABLE]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_the_calendar_may_start_with_its_first_day(zone: str) -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    read = Reader(date.min, zone).read(by_arrow([CLICK], first + timedelta(days=1)))
    assert read["reasons"].to_pylist() == [["event_in_future"]]
