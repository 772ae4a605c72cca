"""Garbage collection: delete superseded versions and unfinished attempts after a retention period.

A reader whose files vanish gets fewer rows without an error, so a version is first marked, and its
files go when the mark is older than the grace. Never collected: the version that the metastore
names, the newest valid one, a newer one that is withheld for lost rows, and the work of a run that
is still active.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cab_assets.clients.lake import Lake
from cab_assets.store.manifest import MANIFEST
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import TableStore

SUPERSEDED = "_superseded"  # holds when it was first seen that nothing names the version


@dataclass(frozen=True)
class Collected:
    """A version whose files are gone."""

    path: str
    bytes: int


def collect(
    store: TableStore, *, grace: timedelta, now: datetime, active_runs: Collection[str]
) -> Iterator[Collected]:
    """Mark what is superseded since the last time, and delete what was marked `grace` ago."""
    crowded = [day for day in store.days() if len(day.version_ids()) > 1 or not day.newest()]
    shown = store.shown(day.date for day in crowded)
    for day in crowded:
        for version in sorted(unneeded(day, shown.get(day.date), active_runs)):
            path = day.folder(version)
            if now - marked(store.lake, path, now) >= grace:
                yield delete(store.lake, path)


def unneeded(day: StoredDay, shown: str | None, active_runs: Collection[str]) -> set[str]:
    """Return the versions of a day that nothing names; unmark one that is needed again."""
    held = day.withheld()  # as long as it is there, its state of the source is not imported again
    newest = day.newest()
    needed = {newest.version if newest else None, shown, held.version if held else None}
    versions = set(day.version_ids())
    for version in versions & needed:
        if day.has(str(version), SUPERSEDED):
            day.lake.files.delete_file(f"{day.folder(str(version))}/{SUPERSEDED}")
    return {version for version in versions - needed if not version.endswith(tuple(active_runs))}


def marked(lake: Lake, path: str, now: datetime) -> datetime:
    """Return when the version at `path` was marked as superseded.

    Mark it now if it is not marked.
    """
    mark = f"{path}/{SUPERSEDED}"
    if not lake.info(mark).is_file:
        lake.write(mark, now.isoformat().encode())
        return now
    return datetime.fromisoformat(lake.read(mark).decode())


def delete(lake: Lake, path: str) -> Collected:
    """Delete a version, its manifest first: what is half gone does not count."""
    size = sum(info.size or 0 for info in lake.list(path))  # of a folder it is None
    if lake.info(f"{path}/{MANIFEST}").is_file:
        lake.files.delete_file(f"{path}/{MANIFEST}")
    lake.files.delete_dir(path)
    return Collected(path, size)
