"""How long tests wait before they call something a failure: the one place for it.

Every limit of a test is what a quiet machine with two cores needs at most, and is multiplied by
FACTOR, measured when the session starts: a busy or slow machine is waited for, and is no failure.
A wait ends as soon as what is waited for is there, so a long limit costs a good run nothing.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
WORK = "sum(range(12_000_000))"
QUIET_SECONDS = 0.2  # what WORK takes, in one process for each core, on two quiet cores of 2026
MOST = 5.0  # times slower; a machine beyond that proves nothing, and a hang must end some time
MARGIN = 2.0  # the load may come after the session has started
POLL_SECONDS = 0.05


def _slowness() -> float:
    """Return how many times longer than QUIET_SECONDS the work takes now, 1 to MOST."""
    began = time.monotonic()
    command = [sys.executable, "-S", "-E", "-c", WORK]
    for process in [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]:
        process.wait()
    return min(max(1.0, (time.monotonic() - began) / QUIET_SECONDS), MOST)


FACTOR = MARGIN * _slowness()


def patience(seconds: float) -> float:
    """Return the limit, in seconds, for what takes at most `seconds` on a quiet machine."""
    return seconds * FACTOR


def until(found: Callable[[], T], seconds: float, what: str = "") -> T:
    """Return what `found` returns as soon as it is true; fail after `patience(seconds)`."""
    deadline = time.monotonic() + patience(seconds)
    while not (result := found()):
        assert time.monotonic() < deadline, f"not within {patience(seconds):.0f} s: {what}"
        time.sleep(POLL_SECONDS)
    return result


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if the block takes longer than `patience(seconds)`, as something that hangs does."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < patience(seconds), f"took {took:.1f} s, {patience(seconds):.1f} s were allowed"
