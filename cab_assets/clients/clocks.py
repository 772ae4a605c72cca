"""Check that servers and this machine agree on the time and on time zones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cab_assets.errors import CabError

# Tolerance. Machines with a time server differ by milliseconds, a wrong zone by at least 15 min.
APART = timedelta(minutes=1)


class ClocksDisagree(CabError):
    """The clock of a server differs from the clock of this machine."""


class ZonesDisagree(CabError):
    """A server shows a time in another zone than its session was set to."""


@dataclass(frozen=True)
class Clocks:
    """One instant as a server shows it."""

    # In UTC
    moment: datetime
    # In the time zone of the session, which was set to UTC
    session: datetime
    # In the business time zone; None if the server does not know the zone
    business: datetime | None


def raise_if_clock_differs(where: str, moment: datetime, since: datetime) -> None:
    """Raise ClocksDisagree if `moment` is more than a minute before `since` or after now.

    `moment` is by the clock of the server `where`, the other two are by the clock of this machine.
    """
    now = datetime.now(UTC)
    ahead = max(moment - now, timedelta()) - max(since - moment, timedelta())
    if abs(ahead) > APART:
        apart = (
            f"{abs(ahead).total_seconds():,.0f} s {'ahead of' if ahead > timedelta() else 'behind'}"
            " the clock of this machine"
        )
        raise ClocksDisagree(
            f"the clock of {where} is {apart}. Days and the order of versions depend on both:"
            " synchronize both with a time server (chrony, ntpd), then run again"
        )


def raise_if_zone_differs(where: str, clocks: Clocks, zone: ZoneInfo) -> None:
    """Raise ZonesDisagree if the session is not in UTC or has other rules for the business zone."""
    ours = {
        "UTC, the time zone that was set for its session": (clocks.session, UTC),
        f"{zone.key}, by Python's rules": (clocks.business, zone),
    }
    for what, (shown, on) in ours.items():
        expected = clocks.moment.astimezone(on).replace(tzinfo=None)
        if shown is not None and abs(shown - expected) > APART:
            raise ZonesDisagree(
                f"{where} shows {shown:%Y-%m-%d %H:%M}, but it is {expected:%Y-%m-%d %H:%M} in"
                f" {what}; check for a proxy or pool that drops session settings, and for time zone"
                " tables that are out of date; name CAB_TIMEZONE by a city, such as Europe/Paris,"
                " because CET, EET, MET and WET are fixed offsets to PostgreSQL"
            )
