"""Clocks and zones that must agree before a day is the same day for everybody."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.errors import CabError

# Machines that ask a time server differ by milliseconds; a wrong zone is a quarter of an hour at
# least
APART = timedelta(minutes=1)


class ClocksDisagree(CabError):
    """The clock of a server differs from the clock of this machine."""


class ZonesDisagree(CabError):
    """A server shows a time in another zone than its session was set to."""


@dataclass(frozen=True)
class Clocks:
    """One instant as a server shows it."""

    moment: datetime  # in UTC
    session: datetime  # in the zone of its session, which was set to UTC
    # In the business time zone; None if the server does not know the zone
    business: datetime | None


def raise_if_clock_differs(where: str, moment: datetime, since: datetime) -> None:
    """Raise ClocksDisagree unless `moment` lies between `since` and now.

    `moment` is by the clock of `where`, the other two by the clock of this machine.
    """
    now = datetime.now(UTC)
    ahead = max(moment - now, timedelta()) - max(since - moment, timedelta())
    if abs(ahead) > APART:
        apart = (
            f"{abs(ahead).total_seconds():,.0f} s {'ahead of' if ahead > timedelta() else 'behind'}"
            " the clock of this machine"
        )
        raise ClocksDisagree(
            f"the clock of {where} is {apart}; versions and days go by both: let both follow a time"
            " server (chrony, ntpd), then run again"
        )


def raise_if_zone_differs(where: str, clocks: Clocks, zone: ZoneInfo) -> None:
    """Raise ZonesDisagree unless the session is in UTC and knows the business zone's rules."""
    ours = {
        "UTC, which its session was told to run in": (clocks.session, UTC),
        f"{zone.key}, by Python's rules": (clocks.business, zone),
    }
    for what, (shown, on) in ours.items():
        expected = clocks.moment.astimezone(on).replace(tzinfo=None)
        if shown is not None and abs(shown - expected) > APART:
            raise ZonesDisagree(
                f"{where} shows {shown:%Y-%m-%d %H:%M} where it is {expected:%Y-%m-%d %H:%M} in"
                f" {what}; look for a proxy or pool that drops settings of sessions, and for tables"
                " of zones that are out of date"
            )
