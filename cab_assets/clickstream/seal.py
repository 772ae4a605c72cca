"""Sealing: mark the days of clicks whose allowed lateness is over and whose records are folded.

The file SEALED has one instant: all records that arrived before it are folded. A fold writes it
when it has found no uncommitted record in any topic. A day is sealed if its allowed lateness ended
before this instant. Later events are still added to the day, which stays sealed.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.clients.lake import Lake
from cab_assets.tables.clicks import CLICKS

# File with the instant up to which all records are folded
SEALED = f"{CLICKS.name}/_sealed"


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
