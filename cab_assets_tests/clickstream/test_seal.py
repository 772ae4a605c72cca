from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cab_assets.clickstream.seal import is_sealed, seal, sealed_at
from cab_assets.clickstream.topics import drained
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets, TopicState
from cab_assets_tests.clickstream.test_offsets import newest

DAY = timedelta(1)
NONE = timedelta(0)


@pytest.mark.parametrize(
    ("zone", "day", "end"),  # the end in UTC
    [
        ("UTC", "2020-03-14", "2020-03-15T00:00"),
        ("Asia/Kolkata", "2020-03-14", "2020-03-14T18:30"),
        ("America/New_York", "2020-03-08", "2020-03-09T04:00"),  # of 23 hours: it began at 05:00
        ("America/New_York", "2020-11-01", "2020-11-02T05:00"),  # of 25 hours: it began at 04:00
    ],
)
def test_a_day_is_sealed_from_the_moment_on_that_ends_it_in_the_business_zone_and_its_grace(
    zone: str, day: str, end: str
) -> None:
    over = datetime.fromisoformat(end).replace(tzinfo=UTC)
    for grace in (NONE, timedelta(hours=36)):
        assert is_sealed(day, over + grace, grace=grace, zone=ZoneInfo(zone))
        assert not is_sealed(
            day, over + grace - timedelta(seconds=1), grace=grace, zone=ZoneInfo(zone)
        )


@pytest.mark.parametrize("day", ["2020-03-08", "2020-11-01"])
def test_a_grace_is_as_long_as_it_says_though_the_clock_changes_in_it(day: str) -> None:
    """The grace after the day before spans the change."""
    zone = ZoneInfo("America/New_York")
    end = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    before = (datetime.fromisoformat(day) - DAY).date().isoformat()
    assert is_sealed(before, end + DAY, grace=DAY, zone=zone)
    assert not is_sealed(before, end + DAY - timedelta(seconds=1), grace=DAY, zone=zone)


def test_no_day_is_sealed_before_a_fold_found_nothing_waiting() -> None:
    assert not is_sealed("2020-01-01", None, grace=NONE, zone=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("committed", "begins", "ends", "is_drained"),
    [
        ({0: 5, 1: 7}, {0: 0, 1: 0}, {0: 5, 1: 7}, True),
        ({0: 5, 1: 6}, {0: 0, 1: 0}, {0: 5, 1: 7}, False),
        ({0: 5}, {0: 0, 1: 0}, {0: 5, 1: 0}, True),  # a partition that was added and is idle
        ({0: 5}, {0: 0, 1: 0}, {0: 5, 1: 1}, False),
        ({0: 5, 1: 7}, {0: 5, 1: 7}, {0: 5, 1: 7}, True),  # quiet for longer than Kafka's retention
        ({0: 5, 1: 4}, {0: 5, 1: 7}, {0: 5, 1: 7}, False),  # 4 to 6 were deleted unread
        ({0: 5}, {0: 5, 1: 7}, {0: 5, 1: 7}, False),  # so were all of a partition that was added
    ],
)
def test_a_topic_is_drained_when_all_it_holds_is_committed_whichever_partitions_are_idle(
    committed: Offsets, begins: Offsets, ends: Offsets, is_drained: bool
) -> None:
    assert drained(newest(committed), "clicks", TopicState("one", begins, ends)) is is_drained


def test_a_topic_with_records_behind_an_open_transaction_is_not_drained() -> None:
    held = TopicState("one", {0: 0}, {0: 5}, highs={0: 6})
    assert not drained(newest({0: 5}), "clicks", held)
    assert drained(newest({0: 5}), "clicks", replace(held, highs={0: 5}))


@pytest.mark.parametrize(("begins", "is_drained"), [({0: 0, 1: 0}, False), ({0: 8, 1: 0}, True)])
def test_a_topic_that_was_never_read_is_drained_when_it_holds_nothing(
    begins: Offsets, is_drained: bool
) -> None:
    assert drained(None, "clicks", TopicState("one", begins, {0: 8, 1: 0})) is is_drained


def test_the_moment_that_days_are_sealed_by_is_remembered_and_a_damaged_one_is_none(
    tmp_path: Path,
) -> None:
    lake, moment = Lake(f"file://{tmp_path}"), datetime(2020, 3, 15, 1, 2, 3, tzinfo=UTC)
    assert sealed_at(lake) is None
    (tmp_path / "clicks").mkdir()
    seal(lake, moment)
    assert sealed_at(lake) == moment
    (tmp_path / "clicks" / "_sealed").write_text("2020-03-")
    assert sealed_at(lake) is None
