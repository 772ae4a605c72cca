"""Retries of an import that the source ended for a reason that passes."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from cab_assets.sources.failures import BookingsDbInterrupted, BookingsDbUnavailable

T = TypeVar("T")
# Seconds before each retry. Together they outlast a restart and most fail-overs. A replica that
# ends queries to catch up with its primary needs such a time, too, until it leaves new ones alone.
PAUSES: tuple[float, ...] = (2, 10, 30)


@dataclass
class Outage:
    """Whether a run waited for the source in vain; until a day succeeds, it does not wait again."""

    in_vain: bool = False


def retried(
    work: Callable[[], T], name: str, say: Callable[[str], None], ending: Event, outage: Outage
) -> T:
    """Return what `work` returns; stop retrying when the run is `ending`."""
    for number, pause in enumerate(() if outage.in_vain else PAUSES, 1):
        try:
            return work()
        except (BookingsDbInterrupted, BookingsDbUnavailable) as error:
            if ending.is_set():
                raise
            say(f"{name}: retry {number} of {len(PAUSES)} follows in {pause} s, after {error}")
            if ending.wait(pause):
                raise
    return work()
