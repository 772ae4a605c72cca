"""Sealing: mark the days of clicks whose allowed lateness is over and whose records are folded.

The file SEALED has one instant: all records that arrived before it are folded. A fold writes it
when it has found no uncommitted record in any topic. A day is sealed if its allowed lateness ended
before this instant. Later events are still added to the day, which stays sealed.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.offsets import other_topic, start_offsets
from cab_assets.clients.click_topic import ClickTopic, NoSuchTopic, TopicState
from cab_assets.clients.lake import Lake
from cab_assets.schemas import CLICKS

# File with the instant up to which all records are folded
SEALED = f"{CLICKS.name}/_sealed"


def drained(newest: Batch | None, topic: str, state: TopicState) -> bool:
    """Return whether all records that arrived in the topic are committed or accepted as lost.

    Records behind an open transaction are neither, nor are those that Kafka deleted unread.
    """
    starts = start_offsets(newest, topic, state)
    return not state.held and all(starts[partition] >= end for partition, end in state.ends.items())


def waiting_topics(newest: Batch | None, topic: ClickTopic) -> list[str]:
    """Return the topics with uncommitted clicks, among `topic` and all that were ever committed."""
    names = {topic.name, *(newest.topics if newest else ())}
    return [
        name
        for name in sorted(names)
        if _waits(newest, replace(topic, name=name), own=name == topic.name)
    ]


def _waits(newest: Batch | None, topic: ClickTopic, *, own: bool) -> bool:
    """Return whether the topic has uncommitted records.

    If a topic other than the configured one was deleted, it has none.
    """
    try:
        state = topic.look()
    except NoSuchTopic:
        if own:
            raise
        return False
    return own if other_topic(newest, topic.name, state) else not drained(newest, topic.name, state)


def is_sealed(day: str, moment: datetime | None, *, grace: timedelta, zone: ZoneInfo) -> bool:
    """Return whether the day and its allowed lateness were over at `moment` (zone-aware).

    False for 9999-12-31, the last day that Python can represent.
    """
    if moment is None:
        return False
    # Subtract in UTC: in a zone, Python would subtract from the local time
    before_grace = moment.astimezone(UTC) - grace
    return before_grace.astimezone(zone).date() > date.fromisoformat(day)


def sealed_at(lake: Lake) -> datetime | None:
    """Return the instant up to which days are sealed."""
    try:
        return datetime.fromisoformat(lake.read(SEALED).decode())
    except (FileNotFoundError, ValueError):
        return None


def seal(lake: Lake, moment: datetime) -> None:
    lake.write(SEALED, moment.isoformat().encode())
