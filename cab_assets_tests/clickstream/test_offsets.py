import re
from datetime import UTC, datetime

import pytest

from cab_assets.clickstream.batch import Batch, BatchContents, Range, TopicEnd
from cab_assets.clickstream.offsets import RecordsLost, TopicRecreated, gaps, lag, starting
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.topic_state import Offsets, TopicState

TOPIC = "clicks"
# No record of it is read
CLICKS = ClickTopic("kafka:9092", TOPIC)


def newest(ends: Offsets, *, topic: str = TOPIC, topic_id: str = "one") -> Batch:
    """The newest commit, after which `topic` is committed up to `ends`."""
    return Batch(
        number=7,
        folder="run-0-0",
        previous="run-0-9",
        topic=topic,
        ranges=(),
        contents=BatchContents(),
        topics={topic: TopicEnd(id=topic_id, ends=ends)},
        run_id="run",
        written=datetime(2020, 1, 1, tzinfo=UTC),
    )


def holds(begins: Offsets, ends: Offsets, *, topic_id: str = "one") -> TopicState:
    return TopicState(topic_id, begins, ends)


def test_a_run_starts_where_the_newest_commit_ends() -> None:
    assert starting(newest({0: 9, 1: 4}), CLICKS, holds({0: 3, 1: 0}, {0: 12, 1: 4})) == {
        0: 9,
        1: 4,
    }


def test_a_partition_without_records_starts_at_0_before_and_after_the_first_commit() -> None:
    state = holds({0: 0, 1: 0}, {0: 5, 1: 0})
    assert starting(None, CLICKS, state) == {0: 0, 1: 0}
    assert starting(newest({0: 5, 1: 0}), CLICKS, state) == {0: 5, 1: 0}


def test_a_partition_added_since_the_last_commit_starts_at_0_though_others_are_far() -> None:
    assert starting(newest({0: 900}), CLICKS, holds({0: 850, 1: 0}, {0: 900, 1: 3})) == {
        0: 900,
        1: 0,
    }


def test_a_topic_that_was_never_read_starts_at_its_own_oldest_records() -> None:
    state = holds({0: 70, 1: 0}, {0: 80, 1: 2}, topic_id="two")
    assert starting(None, CLICKS, state) == {0: 70, 1: 0}
    assert starting(newest({0: 1000, 1: 1000}, topic="another"), CLICKS, state) == {0: 70, 1: 0}


def test_a_first_commit_of_one_partition_leaves_the_others_at_their_own_oldest_records() -> None:
    state = holds({0: 0, 1: 70}, {0: 5, 1: 80})
    start = starting(None, CLICKS, state)
    staged = newest({}).model_copy(
        update={
            "ranges": (Range(partition=0, start=0, end=5),),
            "topics": {TOPIC: TopicEnd(id="one", ends=start)},
        }
    )
    first = staged.following(newest({0: 9}, topic="another"))
    assert starting(first, CLICKS, state) == {0: 5, 1: 70}
    moved_on = newest({0: 5, 1: 75})
    assert staged.following(moved_on).ends == {0: 5, 1: 75}


def test_records_that_retention_removed_unread_are_named_by_partition_and_range() -> None:
    before, state = newest({0: 5, 1: 5, 2: 9}), holds({0: 8, 1: 5, 2: 10}, {0: 20, 1: 20, 2: 10})
    with pytest.raises(
        RecordsLost,
        match=(
            r"records of topic clicks .* \(partition 0: 5 to 7; partition 2: 9 to 9\).*"
            "`cab accept-gap`"
        ),
    ):
        starting(before, CLICKS, state)
    assert gaps(before, TOPIC, state) == [
        Range(partition=0, start=5, end=8),
        Range(partition=2, start=9, end=10),
    ]


def test_records_that_an_added_partition_lost_before_anybody_read_them_are_a_gap_too() -> None:
    assert gaps(newest({0: 5}), TOPIC, holds({0: 5, 1: 4}, {0: 5, 1: 6})) == [
        Range(partition=1, start=0, end=4)
    ]


def test_records_that_were_read_before_retention_removed_them_are_no_gap() -> None:
    assert gaps(newest({0: 5}), TOPIC, holds({0: 5}, {0: 5})) == []
    assert gaps(newest({0: 6}), TOPIC, holds({0: 5}, {0: 9})) == []


@pytest.mark.parametrize("grown_to", [0, 9, 5000])
def test_a_topic_created_again_is_refused_however_far_it_has_grown(grown_to: int) -> None:
    with pytest.raises(
        TopicRecreated,
        match=(
            r"topic clicks was deleted and created again, or .* its id is two, but the committed"
            r" offsets belong to one\..*CAB_CLICKSTREAM_TOPIC"
        ),
    ):
        starting(newest({0: 9}), CLICKS, holds({0: 0}, {0: grown_to}, topic_id="two"))


@pytest.mark.parametrize(
    ("ends", "behind"),
    [
        ({0: 8, 1: 4}, "partition 0 (end 8, committed 9)"),
        ({0: 9}, "partition 1 (end 0, committed 4)"),
        ({0: 8, 1: 3}, "partition 0 (end 8, committed 9), partition 1 (end 3, committed 4)"),
    ],
)
def test_a_topic_that_ends_before_what_is_committed_of_it_is_refused(
    ends: Offsets, behind: str
) -> None:
    message = re.escape(f"topic clicks has lower end offsets than committed offsets: {behind}. ")
    with pytest.raises(TopicRecreated, match=message):
        starting(newest({0: 9, 1: 4}), CLICKS, holds(dict.fromkeys(ends, 0), ends))


def test_lag_counts_a_partition_that_was_never_read_from_0() -> None:
    assert lag({0: 9, 1: 4}, {0: 12, 1: 4, 2: 5}) == 8
