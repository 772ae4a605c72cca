"""Accepting a gap: records that Kafka threw away unread become a commit with nothing in it, so that reading goes on."""

from datetime import UTC, datetime

from cab_assets.clickstream.batch import Batch, Contents, Range, TopicEnd, batch_path
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.offsets import gaps, refuse_another_topic
from cab_assets.errors import CabError
from cab_assets.resources.click_topic import ClickTopic


class GapChanged(CabError):
    """What was accepted is no longer what is committed up to."""


def find_gaps(ledger: Ledger, topic: ClickTopic) -> tuple[list[Range], Batch | None, str]:
    """The ranges that were never read and are gone, the newest commit, and the topic's id."""
    state, newest = topic.look(), ledger.newest()
    if newest and (known := newest.topics.get(topic.name)):
        refuse_another_topic(topic.name, known, state)
    return gaps(newest, topic.name, state), newest, state.id


def accept_gap(ledger: Ledger, topic: str, topic_id: str, seen: list[Range], newest: Batch | None) -> Batch:
    """Commit exactly the ranges that somebody has seen; GapChanged if another commit was first."""
    folder = new_folder("gap")
    ledger.lake.make_folder(batch_path(folder))
    batch = Batch(
        number=0,  # the commit gives it one
        folder=folder,
        previous=None,
        kind="gap",
        topic=topic,
        ranges=tuple(seen),
        contents=Contents(),
        topics={topic: TopicEnd(id=topic_id, ends={})},
        run_id=folder,
        written=datetime.now(UTC),
    )
    if committed := ledger.commit(batch, newest):
        return committed
    raise GapChanged("something else was committed meanwhile; nothing was changed. Look again with `cab accept-gap`")
