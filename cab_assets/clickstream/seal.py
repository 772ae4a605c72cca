"""Sealing: a day of clicks is sealed when it is over, its grace too, and all that the topic held then is folded.

One moment says it for all days: when a fold found nothing waiting. A late event folds its day again and leaves it
sealed: what is sealed is that no app still had time to send.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.clickstream.batch import Batch, committed
from cab_assets.resources.click_topic import TopicState
from cab_assets.resources.lake import Lake
from cab_assets.schemas import CLICKS

SEALED = f"{CLICKS.name}/_sealed"  # holds the moment up to which everything that arrived is folded


def drained(newest: Batch | None, topic: str, state: TopicState) -> bool:
    """Whether all that the topic holds is committed, whichever of its partitions are idle."""
    ends = committed(newest, topic)
    return all(ends.get(partition, 0) >= end or state.begins[partition] == end for partition, end in state.ends.items())


def is_sealed(day: str, moment: datetime | None, *, grace: timedelta, zone: ZoneInfo) -> bool:
    """Return whether the day and its grace were over at `moment` (zone-aware). The last day of the calendar never is."""
    if moment is None:
        return False
    before_grace = moment.astimezone(UTC) - grace  # in a zone, the grace would be taken off the wall clock
    return before_grace.astimezone(zone).date() > date.fromisoformat(day)


def sealed_at(lake: Lake) -> datetime | None:
    """The moment that sealed days are sealed by."""
    try:
        return datetime.fromisoformat(lake.read(SEALED).decode())
    except (FileNotFoundError, ValueError):
        return None


def seal(lake: Lake, moment: datetime) -> None:
    lake.write(SEALED, moment.isoformat().encode())
