"""One day of a table in the lake: a folder of versions, of which the newest valid one is used.

A version is an immutable folder. `_manifest.json` makes it valid; `_condemned` marks it as damaged.
A manifest that names another table, day or version is of a copied folder, which is never used.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.fs as pafs
from pydantic import ValidationError

from cab_assets.clients.lake import Lake
from cab_assets.declarations import Table
from cab_assets.errors import CabError
from cab_assets.store.calendar import is_day
from cab_assets.store.folders import Differences, differences, digest
from cab_assets.store.manifest import MANIFEST, REFUSED, Manifest
from cab_assets.store.versions import is_version_id
from cab_assets.tables import assets_of

CONDEMNED = "_condemned"
# Name of a check that fails again each time the same state of the source is imported
ROWS_NOT_LOST = "rows_not_lost"


class DamagedVersion(CabError):
    """The files of a version are not those of its manifest."""


@dataclass(frozen=True)
class StoredDay:
    """The folder `<table>/<partition column>=<date>`; `date` is YYYY-MM-DD."""

    table: Table
    lake: Lake
    date: str

    @property
    def path(self) -> str:
        return f"{self.table.name}/{self.table.partition_column}={self.date}"

    @property
    def assets(self) -> str:
        """The assets that a user materializes to make a new version of this day."""
        return assets_of(self.table)

    def folder(self, version: str) -> str:
        """Return the path of a version."""
        return f"{self.path}/version={version}"

    def location(self, version: str) -> str:
        """Return the URL of a version, to which its partition in Hive points."""
        return self.lake.url(self.folder(version))

    def version_at(self, location: str) -> str | None:
        """Return the id of the version at a location, or None if it is no version of this day."""
        version = location.removeprefix(self.location(""))
        return version if is_version_id(version) else None

    def __str__(self) -> str:
        return f"{self.table.name}/{self.date}"

    def version_ids(self) -> list[str]:
        """Return the ids of all versions, valid or not, newest first."""
        folders = (
            each for each in self.lake.list(self.path) if each.type == pafs.FileType.Directory
        )
        names = (each.base_name.removeprefix("version=") for each in folders)
        return sorted(filter(is_version_id, names), reverse=True)

    def manifest(self, version: str) -> Manifest | None:
        """Return the manifest, or None if it is missing or unreadable or the version condemned."""
        if self.has(version, CONDEMNED):
            return None
        return self._read(version, MANIFEST)

    def counting(self) -> Iterator[Manifest]:
        """Yield the manifests of valid versions, newest first."""
        for version in self.version_ids():
            if (manifest := self.manifest(version)) and manifest.passed:
                yield manifest

    def newest(self) -> Manifest | None:
        """Return the newest valid version. No data file is read: see `verify`."""
        return next(self.counting(), None)

    def newest_and_lost(self, shown: str | None = None) -> tuple[Manifest | None, str | None]:
        """Return the newest valid version, and the id of a newer one that once was valid.

        The second is condemned, its manifest is damaged, or its partition points to it although
        its files are missing. `shown` is the version to which the partition points.
        """
        lost = None
        for version in sorted({*self.version_ids(), *filter(None, [shown])}, reverse=True):
            if (manifest := self.manifest(version)) and manifest.passed:
                return manifest, lost
            lost = lost or (version if version == shown or self._was_valid(version) else None)
        return None, lost

    def last_audited(self) -> Manifest | None:
        """Return the newest version that passed its audit, even if it was condemned later."""
        manifests = (self._read(version, MANIFEST) for version in self.version_ids())
        return next((each for each in manifests if each and each.passed), None)

    def withheld(self) -> Manifest | None:
        """Return the newest finished version if its only failed check is ROWS_NOT_LOST."""
        for version in self.version_ids():
            if self.has(version, MANIFEST):
                return None
            if refused := self._read(version, REFUSED):
                return refused if refused.failed == [ROWS_NOT_LOST] else None
        return None

    def urls(self, manifest: Manifest) -> list[str]:
        """Return the URLs of a version's files, so that Spark reads no other file of its folder."""
        return [f"{self.location(manifest.version)}/{file.name}" for file in manifest.files]

    def record(self, manifest: Manifest) -> None:
        """Write the manifest, which makes the version valid.

        If the audit failed, write it as `_refused.json` instead; the version is then never valid.
        """
        name = MANIFEST if manifest.passed else REFUSED
        content = manifest.model_dump_json(indent=1).encode()
        self.lake.write(f"{self.folder(manifest.version)}/{name}", content)

    def condemn(self, version: str, why: str) -> None:
        """Mark a version as damaged, so that it is not valid. Its files stay."""
        self.lake.write(f"{self.folder(version)}/{CONDEMNED}", why.encode())

    def differences(self, manifest: Manifest) -> Differences:
        """Compare the folder of a version with its manifest. No file is read."""
        return differences(self.lake, self.folder(manifest.version), manifest.files)

    def verify(self, manifest: Manifest, *, surplus: bool = False) -> None:
        """Compare every byte with the manifest; condemn a damaged version, raise DamagedVersion.

        A file that the manifest does not list is damage too, unless `surplus` allows it.
        """
        if problem := self._damage(manifest, surplus=surplus):
            self.condemn(manifest.version, problem)
            raise DamagedVersion(
                f"{problem}. The version is damaged and no longer used: materialize {self.assets}"
                " for this day"
            )

    def is_intact(self, manifest: Manifest, *, surplus: bool = False) -> bool:
        """Return whether a version is as it was written. If not, condemn it."""
        try:
            self.verify(manifest, surplus=surplus)
        except DamagedVersion:
            return False
        return True

    def has(self, version: str, name: str) -> bool:
        """Return whether a version has a file of that name; an empty manifest counts as none."""
        found = self.lake.info(f"{self.folder(version)}/{name}")
        return bool(found.is_file and (found.size or name != MANIFEST))

    def _was_valid(self, version: str) -> bool:
        """Return whether a version is condemned or has a damaged manifest."""
        if self.has(version, CONDEMNED):
            return True
        return self.has(version, MANIFEST) and self._parsed(version, MANIFEST) is None

    def _read(self, version: str, name: str) -> Manifest | None:
        """Return a manifest of this folder, or None if it is missing, damaged or of another one."""
        found = self._parsed(version, name)
        own = (self.table.name, self.date, version)
        return found if found and (found.table, found.day, found.version) == own else None

    def _parsed(self, version: str, name: str) -> Manifest | None:
        try:
            return Manifest.model_validate_json(self.lake.read(f"{self.folder(version)}/{name}"))
        except (FileNotFoundError, ValidationError):
            return None

    def _damage(self, manifest: Manifest, *, surplus: bool) -> str | None:
        found = self.differences(manifest)
        if problem := next(iter(found.lost if surplus else found.lost + found.surplus), None):
            return problem
        for file in manifest.files:
            path = f"{self.folder(manifest.version)}/{file.name}"
            if digest(self.lake, path) != file.sha256:
                return f"the content of {path} changed since it was written"
        return None


def stored_days(table: Table, lake: Lake) -> list[StoredDay]:
    """Return the days of a table that have a folder in the lake, in order.

    Ignore files, and folders whose name is no day, such as a copy of a day.
    """
    prefix = f"{table.partition_column}="
    folders = (info for info in lake.list(table.name) if info.type == pafs.FileType.Directory)
    names = (info.base_name for info in folders if info.base_name.startswith(prefix))
    days = (name.removeprefix(prefix) for name in names)
    return [StoredDay(table, lake, day) for day in days if is_day(day)]
