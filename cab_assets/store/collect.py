"""Garbage collection: delete superseded versions and unfinished attempts after a retention period.

A query whose files are deleted returns fewer rows without an error. A version is therefore first
marked, and deleted when the mark is older than the retention period. Never deleted are the version
to which the partition points, the newest valid version, a newer one that was withheld for lost
rows, and versions of a run that is still active.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cab_assets.clients.lake import Lake, LakeRefused, deleting
from cab_assets.store.manifest import MANIFEST
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import TableStore

# Mark in a version's folder; it holds the time when the version was first found superseded
SUPERSEDED = "_superseded"


@dataclass(frozen=True)
class Collected:
    """A version that was deleted."""

    path: str
    bytes: int


@dataclass
class Refusals:
    """The errors of folders that cannot be marked or deleted, which do not stop the others."""

    said: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note a LakeRefused of the block instead of raising it."""
        try:
            yield
        except LakeRefused as error:
            self.said.append(str(error))

    def raise_if_any(self) -> None:
        if self.said:
            raise LakeRefused("\n".join(self.said))


def collect(
    store: TableStore, *, grace: timedelta, now: datetime, active_runs: Collection[str]
) -> Iterator[Collected]:
    """Mark versions that are newly superseded; delete those that were marked `grace` ago.

    At the end, raise LakeRefused if some of them cannot be marked or deleted.
    """
    refusals = Refusals()
    crowded = [day for day in store.days() if len(day.version_ids()) > 1 or not day.newest()]
    shown = store.shown(day.date for day in crowded)
    for day in crowded:
        with refusals.noted():
            for version in sorted(unneeded(day, shown.get(day.date), active_runs)):
                with refusals.noted():
                    if is_due(store.lake, path := day.folder(version), grace, now):
                        yield delete(store.lake, path)
    refusals.raise_if_any()


def unneeded(day: StoredDay, shown: str | None, active_runs: Collection[str]) -> set[str]:
    """Return the versions of a day that may be deleted; unmark one that is needed again."""
    # As long as this version exists, the same state of the source is not imported again
    held = day.withheld()
    newest = day.newest()
    needed = {newest.version if newest else None, shown, held.version if held else None}
    versions = set(day.version_ids())
    for version in versions & needed:
        if day.has(str(version), SUPERSEDED):
            with deleting(mark := f"{day.folder(str(version))}/{SUPERSEDED}"):
                day.lake.files.delete_file(mark)
    return {version for version in versions - needed if not version.endswith(tuple(active_runs))}


def is_due(lake: Lake, path: str, grace: timedelta, now: datetime) -> bool:
    """Return whether the folder at `path` was marked `grace` ago. Mark it now if it is not."""
    return now - marked(lake, path, now) >= grace


def marked(lake: Lake, path: str, now: datetime) -> datetime:
    """Return when the version at `path` was marked as superseded.

    Mark it now if it is not, or if the mark is unreadable: a full disk leaves an empty file.
    """
    mark = f"{path}/{SUPERSEDED}"
    if lake.info(mark).is_file:
        try:
            return datetime.fromisoformat(lake.read(mark).decode()).astimezone(UTC)
        except ValueError:
            pass
    lake.write(mark, now.isoformat().encode())
    return now


def delete(lake: Lake, path: str) -> Collected:
    """Delete a version. The manifest goes first, so that a half-deleted version is not valid."""
    # The size of a folder is None
    size = sum(info.size or 0 for info in lake.list(path))
    with deleting(path):
        if lake.info(f"{path}/{MANIFEST}").is_file:
            lake.files.delete_file(f"{path}/{MANIFEST}")
        lake.files.delete_dir(path)
    return Collected(path, size)
