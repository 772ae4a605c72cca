"""What a person waits for: `dagster job execute` of one day, and a run over a year."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.backfill import BESIDE, divided
from benchmarks.rounds import Contender, Times, in_turn, table
from benchmarks.stack import load
from cab_assets.environment import Environment

ROUNDS = 3
ONE_DAY, YEAR = date(2022, 1, 1), date(2021, 1, 1)
NOOP, DAILY = "Dagster's no-op job", "bookings_daily, one day of 10,000 rows"


def one_day(env: Environment) -> Times:
    """A new day in each round, after one that warms up."""
    load(env, ONE_DAY, ROUNDS + 1, 10_000)
    days = (ONE_DAY + timedelta(each) for each in range(ROUNDS + 1))
    return in_turn(
        [
            Contender(NOOP, _noop, ROUNDS, warm=1),
            Contender(DAILY, lambda: _daily(days), ROUNDS, warm=1),
        ]
    )


def year(env: Environment) -> str:
    """365 days × 1,000 rows in one run, by part."""
    load(env, YEAR, 365, 1_000)
    parts = divided("2021-01-01", "2021-12-31")
    rows = {
        **parts,
        "together": sum(seconds for name, seconds in parts.items() if not name.startswith(BESIDE)),
    }
    return table(
        [
            {"part": name, "s": f"{seconds:.0f}", "s a day": f"{seconds / 365:.3f}"}
            for name, seconds in sorted(rows.items(), key=lambda row: row[1])
        ]
    )


def _noop() -> None:
    _execute("benchmarks.noop", "noop")


def _daily(days: Iterator[date]) -> None:
    _execute(
        "cab_assets.definitions",
        "bookings_daily",
        "--tags",
        f'{{"dagster/partition": "{next(days)}"}}',
    )


def _execute(module: str, job: str, *more: str) -> None:
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", module, "-j", job, *more]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
