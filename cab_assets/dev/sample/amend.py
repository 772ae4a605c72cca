"""Change existing bookings, as happens in a real source, so that the pipeline finds changes."""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from itertools import islice

import numpy as np

from cab_assets.dev.sample.bookings import invented
from cab_assets.dev.sample.connect import source_table
from cab_assets.dev.sample.load import holding
from cab_assets.dev.sample.source import FilledTable
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.sources.bookings_db import midnight


class NothingToAmend(CabError):
    """No day of the range has bookings."""


@dataclass(frozen=True)
class Amendment:
    """How many bookings of a day get another fare or color, are added late, or are deleted."""

    fares: int
    colors: int
    late: int
    deleted: int


# The first day has all kinds of changes, each of the others one kind. Of the first n days, for any
# n, more rows are added than deleted
AMENDMENTS = (
    Amendment(2, 1, 3, 1),
    Amendment(0, 3, 0, 0),
    Amendment(0, 0, 3, 0),
    Amendment(0, 0, 0, 2),
    Amendment(3, 0, 0, 0),
)
REFARE = "UPDATE {table} SET trip_fare = coalesce(trip_fare, 0) + %s WHERE booking_id = %s"
REPAINT = (
    "UPDATE {table} SET cab_color = CASE WHEN cab_color = 'black' THEN 'white' ELSE 'black' END"
    " WHERE booking_id = %s"
)
DELETE = "DELETE FROM {table} WHERE booking_id = %s"
WITHIN = "pickup_timestamp >= %s AND pickup_timestamp < %s"
ROW = "{:<12}{:>15}{:>16}{:>7}{:>9}".format


def amend_days(
    env: Environment, start: date, days: int, seed: int, say: Callable[[str], None]
) -> None:
    """Amend up to five of the days that have bookings.

    The choice follows from the seed and the number of rows.
    """
    with source_table(env) as table:
        rows = _rows_by_day(table, start, days)
        if not rows:
            raise NothingToAmend(
                f"{table.name} has no bookings in the {days} days from {start} on; load some first"
                " with `cab sample`"
            )
        rng = np.random.default_rng([seed, sum(rows.values())])
        picked = [sorted(rows)[each] for each in rng.permutation(len(rows))]
        with table.transaction():
            done = {
                day: _amend(table, rng, day, wanted)
                for day, wanted in zip(picked, AMENDMENTS, strict=False)
            }
        say(ROW("day", "fare corrected", "color corrected", "late", "deleted"))
        for day in sorted(done):
            say(ROW(day.isoformat(), *astuple(done[day])))
        say(holding(table))


def _rows_by_day(table: FilledTable, start: date, days: int) -> dict[date, int]:
    table.cursor.execute(
        f"SELECT CAST(pickup_timestamp AS date), count(*) FROM {table.name} WHERE {WITHIN} GROUP"
        " BY 1",
        _window(start, days),
    )
    return dict(table.cursor.fetchall())


def _amend(table: FilledTable, rng: np.random.Generator, day: date, wanted: Amendment) -> Amendment:
    """Change the day. Return the changes made, fewer than `wanted` if the day has few rows."""
    ids = iter(
        _picked(
            table, day, wanted.fares + wanted.colors + wanted.deleted, salt=int(rng.integers(2**31))
        )
    )
    fares, colors, deleted = (
        list(islice(ids, number)) for number in (wanted.fares, wanted.colors, wanted.deleted)
    )
    _each(table, REFARE, [(int(rng.integers(1, 100)), booking_id) for booking_id in fares])
    _each(table, REPAINT, [(booking_id,) for booking_id in colors])
    _each(table, DELETE, [(booking_id,) for booking_id in deleted])
    late = sum(table.insert_missing(rows) for rows in invented(rng, day, wanted.late).to_batches())
    return Amendment(len(fares), len(colors), late, len(deleted))


def _picked(table: FilledTable, day: date, number: int, salt: int) -> list[str]:
    """Return pseudo-random booking ids of the day, always the same for the same salt.

    The database selects them, so that not all ids of the day are transferred.
    """
    shuffled = f"ORDER BY md5(concat(booking_id, '{salt}')) LIMIT {number}"
    table.cursor.execute(
        f"SELECT booking_id FROM {table.name} WHERE {WITHIN} {shuffled}", _window(day, 1)
    )
    return [booking_id for (booking_id,) in table.cursor.fetchall()]


def _each(table: FilledTable, statement: str, values: list[tuple[object, ...]]) -> None:
    table.cursor.executemany(statement.format(table=table.name), values)


def _window(start: date, days: int) -> tuple[datetime, datetime]:
    return midnight(start), midnight(start + timedelta(days))
