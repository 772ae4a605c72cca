"""Publishing: a day's partition is pointed to the day's newest audited version, and read back.

Hive cannot fence a late statement. So whoever publishes looks again after every move, and moves
again if the partition is behind: two writers converge on the newest version, and a later run
corrects what a late statement left.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Failed, Published
from cab_assets.store.stored_day import DamagedVersion, StoredDay
from cab_assets.store.table_store import Manifests, TableStore
from cab_assets.store.versions import without_run

ROUNDS = 5  # one to move, one to see it; more only while another writer moves too


class NothingToPublish(CabError):
    """A day has no valid version."""


class ForeignLocation(CabError):
    """A Hive partition points to a folder that is no version of the table."""


class PointerUnsettled(Unavailable):
    """The metastore does not show the location that was set."""


def publish(
    store: TableStore, days: Iterable[str]
) -> Generator[Failed | Published, None, Manifests]:
    """Publish the days' newest audited versions; return those that Hive shows, by day.

    When Hive goes away, each day that it does not show yet fails with that.
    """
    publication = Publication(store, set(days))
    try:
        yield from publication.settle()
    except Unavailable as error:
        yield from publication.fail(publication.left, error)
    return publication.shown


@dataclass
class Publication:
    """One attempt at publishing some days of a table."""

    store: TableStore
    left: set[str]  # days that Hive does not show and that have not failed
    shown: Manifests = field(default_factory=dict)

    def settle(self) -> Iterator[Failed | Published]:
        """Move partitions and look at them, until each is where it belongs."""
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
                f"{self.store.day(day)} does not point where it was told to; run the day again"
            )
            yield from self.fail([day], PointerUnsettled(unsettled))

    def fail(self, days: Iterable[str], error: CabError) -> Iterator[Failed]:
        for day in sorted(days):
            self.left.discard(day)
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
        """Return `(missing, behind)`: by day, the locations to add, and those to move to."""
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
        """Leave a partition alone that is not ours to move, or that shows a newer version."""
        if location is None:
            return
        version = stored.version_at(location)
        if version is None:
            partition = f"PARTITION ({stored.table.partition_column}='{stored.date}')"
            drop = f"ALTER TABLE {self.store.pointers.name} DROP {partition}"
            raise ForeignLocation(
                f"{stored} points at {location}, which is no version of {stored.lake.root};"
                " it was left as it is."
                f' If nobody needs it, `cab query "{drop}"` (files stay) and run the day again'
            )
        if without_run(version) > without_run(manifest.version):
            raise DamagedVersion(
                f"{stored} shows {version}, which is damaged; run what it is made from again, an"
                " older version is not put back"
            )


def _newest(stored: StoredDay) -> Manifest:
    if manifest := stored.newest():
        return manifest
    raise NothingToPublish(
        f"{stored} has no audited version; materialize what it is made from first"
    )
