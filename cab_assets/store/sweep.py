"""Compare every day of a table in the lake with its partition in Hive."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from shlex import quote

from cab_assets.errors import CabError
from cab_assets.store.calendar import is_day
from cab_assets.store.folders import LOOKS_AT_ONCE
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import TableStore
from cab_assets.store.versions import without_run


class ForeignPartition(CabError):
    """A Hive partition is no day of the table, and readers see its rows."""


def strays(store: TableStore, first: date, today: date) -> dict[str, ForeignPartition]:
    """Return value -> error, for partitions that are no day from `first` to `today`.

    A day outside of the calendar that has a valid version in the lake is none of them: the clock of
    a device may be ahead, and the calendar may have begun earlier.
    """
    values = sorted(store.pointers.values())
    outside = [each for each in values if not (is_day(each) and str(first) <= each <= str(today))]
    return {
        value: ForeignPartition(
            f"the partition {store.table.partition_column}='{value}' of {store.table.name} in Hive"
            " is no day of the table, but queries return its rows. The pipeline did not change it."
            f" Run `cab query {quote(store.pointers.drop_statement(value))}` (files are kept)"
        )
        for value in outside
        if not (is_day(value) and store.day(value).newest())
    }


def astray(store: TableStore, without: Collection[str] = ()) -> dict[str, str]:
    """Return day -> problem, for days whose partition does not show the newest version as written.

    Folders are listed, but no file is read. Partitions in `without` are no days.
    """
    days = sorted({day.date for day in store.days()} | store.pointers.values() - {*without})
    locations = store.pointers.locations(days)
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        found = pool.map(lambda day: _look(store.day(day), locations.get(day)), days)
        return {day: wrong for day, wrong in zip(days, found, strict=True) if wrong}


def _look(day: StoredDay, location: str | None) -> str | None:
    manifest = day.newest()
    shown = day.version_at(location) if location else None
    if manifest is None or (shown and without_run(shown) > without_run(manifest.version)):
        lost = f"{day} points to {location}, which is not valid: files are missing or damaged"
        return lost if location else None
    if problem := day.differences(manifest).first:
        return problem
    if location is None:
        return f"{day} has version {manifest.version} in the lake, but no partition in Hive"
    if shown == manifest.version:
        return None
    return f"{day} points to {location}, but its newest version is {manifest.version}"
