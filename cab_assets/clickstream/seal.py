"""Sealing: a day of clicks is sealed when it is over, its grace too, and all that the topic held then is folded.

One moment says it for all days: when a fold found nothing waiting. A late event folds its day again and leaves it
sealed: what is sealed is that no app still had time to send.
"""

from datetime import UTC, datetime, timedelta
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
    """Whether the day was over, and its grace, at `moment` (zone-aware); a day of 23 or 25 hours ends at midnight too."""
    end = (datetime.fromisoformat(day) + timedelta(1)).replace(tzinfo=zone).astimezone(UTC)  # in a zone, the grace would be added to the wall clock
    return moment is not None and end + grace <= moment


def sealed_at(lake: Lake) -> datetime | None:
    """The moment that sealed days are sealed by."""
    try:
        return datetime.fromisoformat(lake.read(SEALED).decode())
    except (FileNotFoundError, ValueError):
        return None


def seal(lake: Lake, moment: datetime) -> None:
    lake.write(SEALED, moment.isoformat().encode())
