"""Sealing: a day of clicks is sealed when it is over, its grace too, and what arrived is folded.

One instant seals all days: when a fold found no record waiting, in any topic. A late event folds
its day again and leaves it sealed: sealed says only that no app still had time to send.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.clickstream.batch import Batch, committed_ends
from cab_assets.clickstream.offsets import other_topic
from cab_assets.clients.click_topic import ClickTopic, NoSuchTopic, TopicState
from cab_assets.clients.lake import Lake
from cab_assets.schemas import CLICKS

SEALED = f"{CLICKS.name}/_sealed"  # holds the instant up to which all records are folded


def drained(newest: Batch | None, topic: str, state: TopicState) -> bool:
    """Return whether all records of the topic are committed, whichever partitions are idle."""
    ends = committed_ends(newest, topic)
    return all(
        ends.get(partition, 0) >= end or state.begins[partition] == end
        for partition, end in state.ends.items()
    )


def waiting_topics(newest: Batch | None, topic: ClickTopic) -> list[str]:
    """Return the topics that hold clicks not committed yet, of `topic` and all ever committed."""
    names = {topic.name, *(newest.topics if newest else ())}
    return [
        name
        for name in sorted(names)
        if _waits(newest, replace(topic, name=name), own=name == topic.name)
    ]


def _waits(newest: Batch | None, topic: ClickTopic, *, own: bool) -> bool:
    """Return whether records of the topic wait.

    None ever will of another topic that was deleted.
    """
    try:
        state = topic.look()
    except NoSuchTopic:
        if own:
            raise
        return False
    return own if other_topic(newest, topic.name, state) else not drained(newest, topic.name, state)


def is_sealed(day: str, moment: datetime | None, *, grace: timedelta, zone: ZoneInfo) -> bool:
    """Return whether the day and its grace were over at `moment` (zone-aware).

    The last day of the calendar never is.
    """
    if moment is None:
        return False
    # In a zone, the grace would be taken off the wall clock
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
