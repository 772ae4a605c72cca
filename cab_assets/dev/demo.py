"""The demo of bookings: a backfill through Dagster, and a comparison of tables and source."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.settings import CHECKOUT
from cab_assets.sources.bookings_db import midnight
from cab_assets.tables.bookings import BOOKING_AGGREGATES
from cab_assets.wiring import Clients

Report = Callable[[str], None]
# (day, currency) -> bookings, amount, top tip
Totals = dict[tuple[str, str], tuple[int, Decimal | None, Decimal | None]]
# Days between two lines of progress
PROGRESS_DAYS = 10

JOB = ("-m", "dagster", "job", "execute", "-m", "cab_assets.definitions", "-j", "bookings_daily")


class DemoFailed(CabError):
    """The backfill failed, or the tables differ from the sources."""


def backfill(env: Mapping[str, str], first: date, last: date, log: Path, report: Report) -> None:
    """Run the job `bookings_daily` over a range of days, as from the command line."""
    tags = {
        "dagster/asset_partition_range_start": str(first),
        "dagster/asset_partition_range_end": str(last),
    }
    command = [sys.executable, *JOB, "--tags", json.dumps(tags)]
    output: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=CHECKOUT, env=dict(env), **output) as run,  # noqa: S603
    ):
        done = 0
        for line in run.stdout or ():
            file.write(line)
            done += ": imported (" in line or ": nothing new: the source is unchanged" in line
            if done and done % PROGRESS_DAYS == 0 and "raw_bookings/" in line:
                report(f"  {done} days imported")
    if run.returncode:
        raise DemoFailed(f"the job bookings_daily failed; its log is {log}")


@dataclass(frozen=True)
class Line:
    """One row of the aggregates, and the same totals computed in the source."""

    day: str
    currency: str
    hive: tuple[Any, ...] | None
    source: tuple[Any, ...] | None

    def __str__(self) -> str:
        return (
            f"{self.day}  {self.currency:<8}  {_cells(self.hive)}   |  {_cells(self.source)}  "
            f" {'equal' if self.hive == self.source else 'DIFFERENT'}"
        )


def compare(env: Environment, first: date, last: date) -> list[Line]:
    """Return every day and currency of the range with the totals of Hive and of the source."""
    hive, source = in_hive(env, first, last), in_source(env, first, last)
    return [
        Line(day, currency, hive.get((day, currency)), source.get((day, currency)))
        for day, currency in sorted(hive.keys() | source.keys())
    ]


def in_hive(env: Environment, first: date, last: date) -> Totals:
    columns = "booking_date, currency_code, total_bookings, total_booking_amount, top_tip_amount"
    with Clients(env) as clients:
        name = clients.hive.name(BOOKING_AGGREGATES.name)
        rows = clients.hive.execute(
            f"SELECT {columns} FROM {name} WHERE booking_date BETWEEN '{first}' AND '{last}'"
        )
    return {(str(row[0]), str(row[1])): tuple(row[2:]) for row in rows}


def in_source(env: Environment, first: date, last: date) -> Totals:
    db = Clients(env).bookings_db
    with db.reading() as cursor:
        source = db.source(cursor)
        within = source.within(midnight(first), midnight(last + timedelta(1)))
        figures = f"{source.day}, currency_code, count(*), sum(trip_fare), max(tip_amount)"
        cursor.execute(f"SELECT {figures} FROM {db.table} WHERE {within} GROUP BY 1, 2")
        return {(str(row[0]), str(row[1])): tuple(row[2:]) for row in cursor.fetchall()}


def show(lines: list[Line], report: Report) -> None:
    """Print the table. Raise DemoFailed if a row differs."""
    title = f"{'bookings':>8}  {'amount':>14}  {'top tip':>9}"
    report(f"{'':<20}  {'Hive: cab.booking_aggregates':>35}   |  {'computed in the source':>35}")
    report(f"{'day':<10}  {'currency':<8}  {title}   |  {title}")
    for line in lines:
        report(str(line))
    different = [line for line in lines if line.hive != line.source]
    if different:
        raise DemoFailed(f"{len(different)} of {len(lines)} rows differ from the source")
    report(f"{len(lines)} rows of aggregates, each equal to the totals of the source.")


def _cells(totals: tuple[Any, ...] | None) -> str:
    bookings, amount, tip = totals or ("", "", "")
    return f"{bookings!s:>8}  {amount!s:>14}  {tip!s:>9}"
