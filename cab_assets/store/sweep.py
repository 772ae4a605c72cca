"""Compare every day of a table in the lake with its partition in Hive."""

from concurrent.futures import ThreadPoolExecutor

from cab_assets.store.folders import LOOKS_AT_ONCE
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import TableStore
from cab_assets.store.versions import without_run


def astray(store: TableStore) -> dict[str, str]:
    """Return day -> problem, for days whose partition does not show the newest version as written.

    Folders are listed, but no file is read.
    """
    days = sorted({day.date for day in store.days()} | store.pointers.values())
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
