"""Load bookings into the source: insert missing rows, and leave existing rows unchanged."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from cab_assets.dev.sample.bookings import bookings_of, busy_days
from cab_assets.dev.sample.connect import source_table
from cab_assets.dev.sample.source import FilledTable
from cab_assets.dev.sample.sqoop import bookings_in
from cab_assets.environment import Environment

# Rows between two lines of progress, which take a second or two
CHUNK_ROWS = 100_000

Say = Callable[[str], None]


def load_days(
    env: Environment, start: date, days: int, rows_per_day: int, seed: int, say: Say
) -> None:
    """Load the generated bookings of the days from `start` on, each day in one transaction."""
    busy = busy_days(start, days)
    say(
        f"{start} to {start + timedelta(days - 1)}: days with {rows_per_day:,} bookings:"
        f" {len(busy)}, days without bookings: {days - len(busy)}."
    )
    with source_table(env) as table:
        _load(
            table,
            (bookings_of(day, rows_per_day, seed) for day in busy),
            len(busy) * rows_per_day,
            say,
        )


def load_file(env: Environment, file: Path, say: Say) -> None:
    """Load the bookings of a file that Sqoop wrote, all in one transaction."""
    rows = bookings_in(file)
    with source_table(env) as table:
        _load(table, [rows], rows.num_rows, say)


def _load(table: FilledTable, parts: Iterable[pa.Table], expected: int, say: Say) -> None:
    done = new = 0
    for part in parts:
        with table.transaction():
            for chunk in part.to_batches(max_chunksize=CHUNK_ROWS):
                new += table.insert_missing(chunk)
                done += chunk.num_rows
                if done % CHUNK_ROWS < chunk.num_rows and done < expected:
                    say(f"{done:,} of {expected:,} rows")
    say(f"{new:,} rows inserted; {done - new:,} already existed and are unchanged.")
    say(holding(table))


def holding(table: FilledTable) -> str:
    rows, days = table.holds()
    return f"{table.name} now has {rows:,} rows; days with bookings: {days:,}."
