"""Publish days: set the location of a day's partition to its newest valid version.

Hive cannot reject a delayed ALTER TABLE. After each change, the publisher therefore reads the
location back, and repeats the change until it is the newest valid version. So two writers of a day
end at the same version, and a later run corrects what a delayed statement changed.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from shlex import quote

from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Failed, Published
from cab_assets.store.stored_day import DamagedVersion, StoredDay
from cab_assets.store.table_store import Manifests, TableStore
from cab_assets.store.versions import without_run

# Attempts to set a location and read it back. More than two are needed only if another writer
# changes the same partition at the same time.
ROUNDS = 5


class NothingToPublish(CabError):
    """A day has no valid version."""


class ForeignLocation(CabError):
    """A Hive partition points to a folder that is no version of the table."""


class NewerVersionGone(DamagedVersion):
    """A Hive partition points to a newer version than the newest valid one in the lake."""


class PointerUnsettled(Unavailable):
    """The metastore does not show the location that was set."""


def publish(
    store: TableStore, days: Iterable[str], gone: list[str] | None = None
) -> Generator[Failed | Published, None, Manifests]:
    """Publish the newest valid version of each day; return day -> manifest of the published ones.

    If Hive becomes unavailable, each day that is not published yet fails with that error. A day
    whose partition points to a newer version is added to `gone`; without `gone` it fails.
    """
    publication = Publication(store, set(days), gone)
    try:
        yield from publication.settle()
    except Unavailable as error:
        yield from publication.fail(publication.left, error)
    return publication.shown


@dataclass
class Publication:
    """The publication of some days of a table. `left` are days not yet published or failed."""

    store: TableStore
    left: set[str]
    gone: list[str] | None = None
    shown: Manifests = field(default_factory=dict)

    def settle(self) -> Iterator[Failed | Published]:
        """Set locations and read them back until each is that of the newest version."""
        self.store.declare()
        yield from self._verify()
        moved: set[str] = set()
        for _ in range(ROUNDS):
            missing, behind = yield from self._look(moved)
            if not self.left:
                return
            try:
                self.store.pointers.add(missing)
                self.store.pointers.move(behind)
            except Refused as error:
                yield from self.fail({*missing, *behind}, error)
            moved |= self.left
        for day in sorted(self.left):
            unsettled = (
                f"the metastore still shows another location of {self.store.day(day)} after"
                f" {ROUNDS} attempts to set it. Check whether another program sets locations, then"
                " run the day again"
            )
            yield from self.fail([day], PointerUnsettled(unsettled))

    def fail(self, days: Iterable[str], error: CabError) -> Iterator[Failed]:
        for day in sorted(days):
            self.left.discard(day)
            if self.gone is not None and isinstance(error, NewerVersionGone):
                self.gone.append(day)
            else:
                yield Failed(self.store.table.name, day, error)

    def _verify(self) -> Iterator[Failed]:
        """Read every byte of the newest versions."""
        for day in sorted(self.left):
            try:
                stored = self.store.day(day)
                stored.verify(_newest(stored))
            except CabError as error:
                yield from self.fail([day], error)

    def _look(
        self, moved: set[str]
    ) -> Generator[Failed | Published, None, tuple[dict[str, str], dict[str, str]]]:
        """Report the days that are published, and return the locations to set.

        Return `(missing, behind)`, each day -> location: of days without a partition, and of days
        whose partition is not at the newest version.
        """
        missing: dict[str, str] = {}
        behind: dict[str, str] = {}
        there = self.store.pointers.locations(self.left)
        for day in sorted(self.left):
            try:
                stored = self.store.day(day)
                manifest = _newest(stored)
                location = stored.location(manifest.version)
                if there.get(day) == location:
                    yield self._show(manifest, location, moved=day in moved)
                    continue
                self._raise_if_not_ours(stored, there.get(day), manifest)
                (behind if day in there else missing)[day] = location
            except CabError as error:
                yield from self.fail([day], error)
        return missing, behind

    def _show(self, manifest: Manifest, location: str, *, moved: bool) -> Published:
        self.left.discard(manifest.day)
        self.shown[manifest.day] = manifest
        return Published(self.store.table, manifest, location, moved)

    def _raise_if_not_ours(
        self, stored: StoredDay, location: str | None, manifest: Manifest
    ) -> None:
        """Raise an error if the pipeline must not change this location.

        Raise ForeignLocation if it is not a version of this table, NewerVersionGone if it is newer
        than the newest valid version.
        """
        if location is None:
            return
        version = stored.version_at(location)
        if version is None:
            drop = self.store.pointers.drop_statement(stored.date)
            raise ForeignLocation(
                f"the partition of {stored} points to {location}, which is not a version in"
                f" {stored.lake.root}. The pipeline did not change it. If it is not needed, run"
                f" `cab query {quote(drop)}` (files are kept), then run the day again"
            )
        if without_run(version) > without_run(manifest.version):
            raise NewerVersionGone(
                f"the published version {version} of {stored} is damaged or gone. Readers may see"
                f" incomplete or wrong data until you materialize {stored.assets} for this day. The"
                " pipeline does not switch back to an older version"
            )


def _newest(stored: StoredDay) -> Manifest:
    if manifest := stored.newest():
        return manifest
    raise NothingToPublish(
        f"{stored} has no valid version; materialize {stored.assets} for this day"
    )
