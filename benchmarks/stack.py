"""A stack of the benchmarks' own, and the rows they need in it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from benchmarks.say import say
from cab_assets import environment
from cab_assets.dev.sample.load import load_days
from cab_assets.dev.stack import lifecycle
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.wiring import Clients


@contextmanager
def stack() -> Iterator[Environment]:
    """An empty stack in a temporary folder, also in this process's environment; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cab-bench-") as home:
        try:
            lifecycle.up(Path(home), say)
            os.environ.update(CAB_HOME=home, DAGSTER_HOME=f"{home}/dagster")
            yield environment.read(os.environ)
        finally:
            lifecycle.down(Path(home))


def load(env: Environment, first: date, days: int, rows: int) -> None:
    """Made-up bookings in `env`'s table; the chatter of loading them is left out."""
    say(f"loading {days} x {rows:,} bookings")
    load_days(env, first, days, rows, 1, lambda _: None)


def source(env: Environment) -> BookingsDb:
    """The rides' database of the stack."""
    return Clients(env).bookings_db
