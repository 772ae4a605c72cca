"""Publishing: the metastore's pointer of a day is moved to its newest audited version, and read back.

Hive cannot fence a late statement. So whoever publishes looks again after every move, and moves again if the pointer
is behind: two writers converge on the newest version, and a later run mends what a late statement left.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cab_assets.clients.failures import Refused
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError, Unavailable
from cab_assets.schemas import Table
from cab_assets.store.manifest import Manifest
from cab_assets.store.versions import DamagedVersion, Partition, is_version_id, is_whole, newest, read_manifest, verify, without_run

ROUNDS = 5  # one to move, one to see it; more only while another writer moves too


class NothingToPublish(CabError):
    """A day has no audited version."""


class ForeignLocation(CabError):
    """A partition points at something that is no version of ours."""


class PointerUnsettled(Unavailable):
    """The metastore does not show what it was told."""


@dataclass(frozen=True)
class Published:
    """A day as it is visible now."""

    manifest: Manifest
    location: str
    moved: bool  # by us, now


@dataclass
class Publication:
    """One go at publishing some days of a table: each ends in `published` or, with the reason, in `failed`."""

    lake: Lake
    hive: Hive
    table: Table
    published: dict[str, Published] = field(default_factory=dict)
    failed: dict[str, CabError] = field(default_factory=dict)

    def run(self, days: Iterable[str]) -> "Publication":
        """Publish the days. When Hive goes away, each day that it does not show yet fails with that."""
        asked = sorted(days)
        try:
            self._settle(asked)
        except Unavailable as error:
            unseen = set(asked) - self.published.keys() - self.failed.keys()
            self.failed |= dict.fromkeys(sorted(unseen), error)
        return self

    def _settle(self, pending: list[str]) -> None:
        self.hive.create(self.table, self.lake.url(self.table.name))
        self._each(pending, self._verify)
        moved: set[str] = set()
        for _ in range(ROUNDS):
            missing, behind = self._look([day for day in pending if day not in self.failed], moved)
            pending = sorted(missing | behind)
            if not pending:
                return
            self._move(missing, behind)
            moved.update(pending)
        self.failed |= {day: PointerUnsettled(f"{self.table.name}/{day} does not point where it was told to; run the day again") for day in pending}

    def _look(self, days: list[str], moved: set[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Where those of `days` should point that point nowhere, and those that point at another than their newest version."""
        pointers = self.hive.locations(self.table, days)
        missing: dict[str, str] = {}
        behind: dict[str, str] = {}

        def judge(day: str) -> None:
            manifest = self._newest(day)
            location = self.lake.url(Partition(self.table, day).version_path(manifest.version))
            if pointers.get(day) == location:
                self.published[day] = Published(manifest, location, day in moved)
            else:
                self._refuse_to_overwrite(day, pointers.get(day), manifest)
                (behind if day in pointers else missing)[day] = location

        self._each(days, judge)
        return missing, behind

    def _move(self, missing: dict[str, str], behind: dict[str, str]) -> None:
        try:
            self.hive.add_partitions(self.table, missing)
            self.hive.set_locations(self.table, behind)
        except Refused as error:
            self.failed |= dict.fromkeys(missing | behind, error)

    def _verify(self, day: str) -> None:
        verify(self.lake, Partition(self.table, day), self._newest(day))

    def _newest(self, day: str) -> Manifest:
        if manifest := newest(self.lake, Partition(self.table, day)):
            return manifest
        raise NothingToPublish(f"{self.table.name}/{day} has no audited version; materialize what it is made from first")

    def _refuse_to_overwrite(self, day: str, location: str | None, manifest: Manifest) -> None:
        """Leave a pointer alone that is not ours to move, or whose version is newer than any that still counts."""
        if location is None:
            return
        version = pointed_version(self.lake, Partition(self.table, day), location)
        if version is None:
            drop = f"ALTER TABLE {self.hive.name(self.table)} DROP PARTITION ({self.table.partition_column}='{day}')"
            raise ForeignLocation(
                f"{self.table.name}/{day} points at {location}, which is no version of {self.lake.root}; it was left as it is."
                f' If nobody needs it, `cab query "{drop}"` (files stay) and run the day again'
            )
        if without_run(version) > without_run(manifest.version):
            raise DamagedVersion(f"{self.table.name}/{day} shows {version}, which is damaged; run what it is made from again, an older version is not put back")

    def _each(self, days: Iterable[str], judge: Callable[[str], None]) -> None:
        for day in days:
            try:
                judge(day)
            except CabError as error:
                self.failed[day] = error


def whole(lake: Lake, table: Table, versions: Mapping[str, Manifest]) -> dict[str, Manifest]:
    """Those of `versions`, by day, that are not damaged: one that is would end a Spark job over all of them."""
    return {day: manifest for day, manifest in versions.items() if is_whole(lake, Partition(table, day), manifest)}


def published(lake: Lake, hive: Hive, table: Table, days: Iterable[str]) -> dict[str, Manifest]:
    """The manifests of the versions that the metastore names now; a day without one, or with one that no longer counts, is left out."""
    return counting(lake, table, pointed_versions(lake, hive, table, days))


def pointed_versions(lake: Lake, hive: Hive, table: Table, days: Iterable[str]) -> dict[str, str]:
    """Return the id of the version that the metastore names for each day, whether it counts or not."""
    hive.create(table, lake.url(table.name))
    named = {day: pointed_version(lake, Partition(table, day), location) for day, location in hive.locations(table, days).items()}
    return {day: version for day, version in named.items() if version}


def counting(lake: Lake, table: Table, versions: Mapping[str, str]) -> dict[str, Manifest]:
    """Return the manifests of those of `versions`, by day, that count."""
    found = {day: read_manifest(lake, Partition(table, day), version) for day, version in versions.items()}
    return {day: manifest for day, manifest in found.items() if manifest}


def pointed_version(lake: Lake, partition: Partition, location: str) -> str | None:
    """The id of the version that a location is; None if it is no version of that day."""
    version = location.removeprefix(lake.url(partition.version_path("")))
    return version if is_version_id(version) else None
