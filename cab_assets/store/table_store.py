"""A table: its days in the lake, and the partitions in Hive that point to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.declarations import Table
from cab_assets.store.declare import declare_table
from cab_assets.store.manifest import Manifest
from cab_assets.store.pointers import Pointers
from cab_assets.store.stored_day import StoredDay, stored_days

# Day -> manifest of a version
Manifests = dict[str, Manifest]


@dataclass(frozen=True)
class TableStore:
    """One table in a lake and a Hive."""

    table: Table
    lake: Lake
    hive: Hive

    @property
    def pointers(self) -> Pointers:
        return Pointers(self.hive, self.table)

    def declare(self) -> None:
        """Create the table in Hive, or add the columns that it lacks."""
        declare_table(self.hive, self.table, self.lake.url(self.table.name))

    def day(self, date: str) -> StoredDay:
        return StoredDay(self.table, self.lake, date)

    def days(self) -> list[StoredDay]:
        """Return the days that have a folder in the lake."""
        return stored_days(self.table, self.lake)

    def shown(self, days: Iterable[str]) -> dict[str, str]:
        """Return day -> id of the version to which its partition points, valid or not."""
        return self.versions_at(self.pointers.locations(days))

    def versions_at(self, locations: Mapping[str, str]) -> dict[str, str]:
        """Return day -> id of the version at its location; omit a location that is none."""
        versions = {day: self.day(day).version_at(location) for day, location in locations.items()}
        return {day: version for day, version in versions.items() if version}

    def counting(self, versions: dict[str, str]) -> Manifests:
        """Return day -> manifest of those `versions` (day -> id) that are valid."""
        found = {day: self.day(day).manifest(version) for day, version in versions.items()}
        return {day: manifest for day, manifest in found.items() if manifest}

    def published(self, days: Iterable[str]) -> Manifests:
        """Return the manifests of published versions. Days without a valid one are left out."""
        return self.counting(self.shown(days))

    def intact(self, versions: Manifests) -> Manifests:
        """Return those of `versions` that are intact.

        One damaged version would fail a Spark job that reads all of them.
        """
        return {
            day: manifest for day, manifest in versions.items() if self.day(day).is_intact(manifest)
        }
