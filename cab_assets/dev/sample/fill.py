"""Fill the source table of bookings from a file, or with generated rows or changes."""

from datetime import date
from pathlib import Path

from cab_assets.dev.sample.amend import amend_days
from cab_assets.dev.sample.load import Say, load_days, load_file
from cab_assets.environment import Environment


def fill(
    env: Environment,
    start: date,
    days: int,
    rows_per_day: int,
    seed: int,
    say: Say,
    *,
    amend: bool = False,
    file: Path | None = None,
) -> None:
    """Write bookings from `file`, or change existing ones, or write generated ones."""
    if file:
        load_file(env, file, say)
    elif amend:
        amend_days(env, start, days, seed, say)
    else:
        load_days(env, start, days, rows_per_day, seed, say)
