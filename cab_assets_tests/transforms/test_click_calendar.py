"""Which times of a click are on the calendar."""

from datetime import UTC, date, datetime

import pytest

from cab_assets.transforms.clickstream import Reader
from cab_assets_tests.transforms.test_clickstream import at, by_arrow, moment

UNUSABLE = ["event_timestamp_unusable"]
LAST_EVENING = datetime(9999, 12, 31, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "zone"),
    [
        ("9999-12-31T23:59:59-12:00", "UTC"),
        ("9999-12-31T23:59:59Z", "Europe/Berlin"),
        ("0001-01-01T00:00:00Z", "America/New_York"),
        ("0000-12-31 23:59:59.999999", "UTC"),
    ],
)
def test_a_wall_clock_outside_the_years_1_to_9999_is_unusable(sent: str, zone: str) -> None:
    read = Reader(date.min, zone).read(by_arrow([at(sent)], LAST_EVENING))
    assert read.select(["reasons", "event_date"]).to_pylist() == [
        {"reasons": UNUSABLE, "event_date": None}
    ]


@pytest.mark.parametrize("sent", ["9999-12-31 23:59:59.999999", "9999-12-31T18:29:59.5Z"])
def test_the_last_day_of_the_calendar_is_accepted(sent: str) -> None:
    read = Reader(date.min, "Asia/Kolkata").read(by_arrow([at(sent)], LAST_EVENING))
    assert read.select(["reasons", "event_date"]).to_pylist() == [
        {"reasons": None, "event_date": "9999-12-31"}
    ]


@pytest.mark.parametrize(
    "offset", ["+14:01", "-14:01", "+1430", "+15", "-24:00", "+24:00", "+29:59", "+13:60"]
)
def test_an_offset_beyond_fourteen_hours_is_unusable(offset: str) -> None:
    read = Reader(date(2020, 1, 1), "UTC").read(by_arrow([at(f"2020-03-14T09:59:07{offset}")]))
    assert read["reasons"].to_pylist() == [UNUSABLE]


@pytest.mark.parametrize(
    ("offset", "shown"),
    [
        ("+14:00", "2020-03-13 19:59:07"),
        ("+14", "2020-03-13 19:59:07"),
        ("-1400", "2020-03-14 23:59:07"),
        ("+13:45", "2020-03-13 20:14:07"),
        ("-09", "2020-03-14 18:59:07"),
    ],
)
def test_an_offset_of_up_to_fourteen_hours_is_taken_off(offset: str, shown: str) -> None:
    read = Reader(date(2020, 1, 1), "UTC").read(by_arrow([at(f"2020-03-14T09:59:07{offset}")]))
    assert read["event_timestamp"].to_pylist() == [moment(shown)]
