"""Compare days of the source with the published ones, and days of the lake with Hive."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from cab_assets.daily.changes import NOTHING, changed_days, days_of
from cab_assets.daily.row_counts import REMEDY, is_withheld
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.sweep import ForeignPartition, astray, strays
from cab_assets.store.table_store import Manifests, TableStore


@dataclass(frozen=True)
class Window:
    """The days from `start` to the one before `end`, and how closely they are compared."""

    start: date
    end: date
    # Compare the sums of row hashes too, which shows a correction of any column
    hashed: bool
    # Compare the lake with Hive too
    everything: bool
    # Time-out of each statement in the source
    seconds: int

    @property
    def last(self) -> date:
        return self.end - timedelta(1)


@dataclass(frozen=True)
class Comparison:
    """The result of comparing the days of a window."""

    # Day -> fingerprint, of days that have rows in the source
    source: Mapping[str, Fingerprint]
    # Days to import
    changed: list[str]
    # Days that were already imported in this state, but not published: they lost too many rows
    withheld: list[str]
    # Partitions in Hive that are no day, found if everything is compared
    strays: list[ForeignPartition] = field(default_factory=list)


def compare(
    db: BookingsDb,
    tables: Sequence[TableStore],
    window: Window,
    log: logging.Logger,
) -> Comparison:
    """Compare the days of a window. The first of `tables` is the one that comes from the source.

    Log each day that is withheld, or whose partition in Hive does not show the newest version.
    """
    bookings = tables[0]
    source = db.fingerprints(window.start, window.end, hashed=window.hashed, seconds=window.seconds)
    locations = bookings.pointers.locations(days_of(str(window.start), str(window.last)))
    manifests = bookings.counting(bookings.versions_at(locations))
    # Also if the source has no rows: readers may see those of another day
    invalid = locations.keys() - manifests.keys()
    known = {day: each.fingerprint for day, each in manifests.items() if each.fingerprint}
    differing = {day: source.get(day, NOTHING) for day in changed_days(source, known)}
    withheld = [day for day, seen in differing.items() if is_withheld(bookings.day(day), seen)]
    for day in withheld:
        rows = "the source no longer has most of its rows"
        log.warning(f"{day} is not published: {rows}; {REMEDY}")
    changed = differing.keys() - set(withheld) | invalid | _outdated(tables[1:], manifests, log)
    foreign: list[ForeignPartition] = []
    if window.everything:
        for table in tables:
            found = strays(table, window.start, window.end)
            foreign += found.values()
            changed |= _astray(table, found, window, log)
    return Comparison(source, sorted(changed), withheld, foreign)


def _outdated(derived: Sequence[TableStore], published: Manifests, log: logging.Logger) -> set[str]:
    """Return the days whose derived tables are not made from the published version; log each.

    A run that ended between publishing and aggregating leaves such a day. A table without any of
    these days is not used, so it lacks none.
    """
    days: set[str] = set()
    for table in derived:
        made = table.published(published)
        for day, of in published.items() if made else ():
            if day not in made or made[day].made_from != {of.table: of.version}:
                log.warning(f"{table.day(day)} is not made from the published {of.table}")
                days.add(day)
    return days


def _astray(
    table: TableStore, without: Collection[str], window: Window, log: logging.Logger
) -> set[str]:
    """Return the days whose partitions do not show the newest version as written; log each."""
    days: set[str] = set()
    for day, wrong in astray(table, without).items():
        if str(window.start) <= day < str(window.end):
            log.warning(wrong)
            days.add(day)
    return days
