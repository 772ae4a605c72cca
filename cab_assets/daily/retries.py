"""Retry an import after a temporary error of the source."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from cab_assets.sources.failures import BookingsDbInterrupted, BookingsDbUnavailable

T = TypeVar("T")
# Seconds before each retry. Together they are longer than a restart and most fail-overs, and than
# the time in which a replica catches up with its primary and therefore cancels queries.
PAUSES: tuple[float, ...] = (2, 10, 30)


@dataclass
class Outage:
    """Whether all retries of a day failed. Then no retry follows until a day succeeds."""

    in_vain: bool = False


def retried(
    work: Callable[[], T], name: str, say: Callable[[str], None], ending: Event, outage: Outage
) -> T:
    """Return the result of `work`, with retries. Stop retrying when the run is `ending`."""
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
