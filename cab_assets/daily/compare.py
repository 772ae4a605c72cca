"""Comparing days of the source with what is published, and of the lake with Hive."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cab_assets.daily.changes import NOTHING, changed_days, days_of
from cab_assets.daily.row_counts import REMEDY, is_withheld
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.sweep import astray
from cab_assets.store.table_store import TableStore


@dataclass(frozen=True)
class Window:
    """The days from `start` to the one before `end`, and how closely they are compared."""

    start: date
    end: date
    hashed: bool  # the sum of row hashes too, which sees a correction of any column
    everything: bool  # the lake with Hive, too

    @property
    def last(self) -> date:
        return self.end - timedelta(1)


@dataclass(frozen=True)
class Comparison:
    """What was found in the days of a window."""

    source: Mapping[str, Fingerprint]  # of the days with rows
    changed: list[str]  # days to import
    withheld: list[str]  # days that were imported in that state, and lost too many rows


def compare(
    db: BookingsDb,
    tables: Sequence[TableStore],
    window: Window,
    *,
    seconds: int,
    log: logging.Logger,
) -> Comparison:
    """Compare days; the first of `tables` is the one that comes from the source.

    `seconds` limits the statement at the source. A day that is withheld, or that Hive does not
    show as the lake holds it, is logged.
    """
    bookings = tables[0]
    source = db.fingerprints(window.start, window.end, hashed=window.hashed, seconds=seconds)
    manifests = bookings.published(days_of(str(window.start), str(window.last)))
    known = {day: each.fingerprint for day, each in manifests.items() if each.fingerprint}
    differing = {day: source.get(day, NOTHING) for day in changed_days(source, known)}
    withheld = [day for day, seen in differing.items() if is_withheld(bookings.day(day), seen)]
    for day in withheld:
        rows = "most of its rows are gone from the source"
        log.warning(f"{day} is withheld: {rows}; {REMEDY}")
    changed = differing.keys() - set(withheld)
    if window.everything:
        changed |= _astray(tables, window, log)
    return Comparison(source, sorted(changed), withheld)


def _astray(tables: Sequence[TableStore], window: Window, log: logging.Logger) -> set[str]:
    """Return the days that readers of a table do not see as the lake holds them; log each."""
    days: set[str] = set()
    for table in tables:
        for day, wrong in astray(table).items():
            if str(window.start) <= day < str(window.end):
                log.warning(wrong)
                days.add(day)
    return days
