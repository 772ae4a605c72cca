"""Accept a gap: commit the offsets of records that Kafka deleted unread, as an empty batch."""

from datetime import UTC, datetime

from cab_assets.clickstream.batch import Batch, BatchContents, Range, TopicEnd, batch_path
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.offsets import gaps, raise_if_another_topic, start_offsets
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.errors import CabError


class GapChanged(CabError):
    """Another batch was committed after the gap was shown and before it was accepted."""


def find_gaps(ledger: Ledger, topic: ClickTopic) -> tuple[list[Range], Batch | None, TopicEnd]:
    """Return the ranges that Kafka deleted unread, the newest batch, and the start of a gap batch.

    The start is the topic's id with the offset of each partition at which reading continues.
    """
    newest, state = ledger.newest(), topic.look()
    if newest and (known := newest.topics.get(topic.name)):
        raise_if_another_topic(topic, known, state)
    stands = TopicEnd(id=state.id, ends=start_offsets(newest, topic.name, state))
    return gaps(newest, topic.name, state), newest, stands


def accept_gap(
    ledger: Ledger, topic: str, stands: TopicEnd, seen: list[Range], newest: Batch | None
) -> Batch:
    """Commit exactly the ranges that the operator has seen.

    `stands` has the offsets of partitions without a range, if this is the topic's first commit.
    Raises GapChanged if another batch was committed in the meantime.
    """
    folder = new_folder("gap")
    ledger.lake.make_folder(batch_path(folder))
    batch = Batch(
        # A placeholder: Ledger.commit assigns the number
        number=0,
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
        "another batch was committed in the meantime; nothing was changed. Run `cab accept-gap`"
        " again"
    )
