"""Accept a gap: commit records that Kafka deleted unread as an empty batch, and read on."""

from datetime import UTC, datetime

from cab_assets.clickstream.batch import Batch, BatchContents, Range, TopicEnd, batch_path
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.offsets import gaps, raise_if_another_topic, start_offsets
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.errors import CabError


class GapChanged(CabError):
    """Another batch was committed between showing the gap and accepting it."""


def find_gaps(ledger: Ledger, topic: ClickTopic) -> tuple[list[Range], Batch | None, TopicEnd]:
    """Return the ranges that were never read and are gone, the newest commit, and the topic."""
    state, newest = topic.look(), ledger.newest()
    if newest and (known := newest.topics.get(topic.name)):
        raise_if_another_topic(topic.name, known, state)
    stands = TopicEnd(id=state.id, ends=start_offsets(newest, topic.name, state))
    return gaps(newest, topic.name, state), newest, stands


def accept_gap(
    ledger: Ledger, topic: str, stands: TopicEnd, seen: list[Range], newest: Batch | None
) -> Batch:
    """Commit exactly the ranges that somebody has seen; GapChanged if another commit was first.

    `stands` says where a first commit of the topic leaves the partitions without a range.
    """
    folder = new_folder("gap")
    ledger.lake.make_folder(batch_path(folder))
    batch = Batch(
        number=0,  # the commit gives it one
        folder=folder,
        previous=None,
        kind="gap",
        topic=topic,
        ranges=tuple(seen),
        contents=BatchContents(),
        topics={topic: stands},
        run_id=folder,
        written=datetime.now(UTC),
    )
    if committed := ledger.commit(batch, newest):
        return committed
    raise GapChanged(
        "something else was committed meanwhile; nothing was changed. Look again with `cab"
        " accept-gap`"
    )
