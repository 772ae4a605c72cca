"""One day of a table in the lake: a folder of versions, of which the newest valid one is used.

A version is an immutable folder. It is valid as soon as `_manifest.json` is in it, and no longer
once `_condemned` is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.fs as pafs
from pydantic import ValidationError

from cab_assets.clients.lake import Lake, reading
from cab_assets.errors import CabError
from cab_assets.schemas import Table
from cab_assets.store.folders import Differences, differences
from cab_assets.store.manifest import MANIFEST, REFUSED, Manifest
from cab_assets.store.versions import is_version_id

CONDEMNED = "_condemned"
ROWS_NOT_LOST = "rows_not_lost"  # a check that the same state of the source fails each time
CHUNK_BYTES = 1 << 20


class DamagedVersion(CabError):
    """The files of a version are not those of its manifest."""


@dataclass(frozen=True)
class StoredDay:
    """The folder `<table>/<partition column>=<date>`."""

    table: Table
    lake: Lake
    date: str  # YYYY-MM-DD

    @property
    def path(self) -> str:
        return f"{self.table.name}/{self.table.partition_column}={self.date}"

    def folder(self, version: str) -> str:
        """Return the path of a version."""
        return f"{self.path}/version={version}"

    def location(self, version: str) -> str:
        """Return the URL of a version, to which its partition in Hive points."""
        return self.lake.url(self.folder(version))

    def version_at(self, location: str) -> str | None:
        """Return the version to which a partition points, or None if it is not of this day."""
        version = location.removeprefix(self.location(""))
        return version if is_version_id(version) else None

    def __str__(self) -> str:
        return f"{self.table.name}/{self.date}"

    def version_ids(self) -> list[str]:
        """Return the ids of all versions, newest first, whether they count or not."""
        folders = (
            each for each in self.lake.list(self.path) if each.type == pafs.FileType.Directory
        )
        names = (each.base_name.removeprefix("version=") for each in folders)
        return sorted(filter(is_version_id, names), reverse=True)

    def manifest(self, version: str) -> Manifest | None:
        """Return the manifest, or None if the version is unfinished, condemned or damaged."""
        if self.has(version, CONDEMNED):
            return None
        return self._read(version, MANIFEST)

    def counting(self) -> Iterator[Manifest]:
        """Yield the manifests of valid versions, newest first."""
        for version in self.version_ids():
            if (manifest := self.manifest(version)) and manifest.passed:
                yield manifest

    def newest(self) -> Manifest | None:
        """Return the newest version that counts. No data file is read: see `verify`."""
        return next(self.counting(), None)

    def newest_and_lost(self, shown: str | None = None) -> tuple[Manifest | None, str | None]:
        """Return the newest valid version, and the id of a newer one that once was valid.

        The second is condemned, its manifest is damaged, or Hive shows it and its files are gone.
        """
        lost = None
        for version in sorted({*self.version_ids(), *filter(None, [shown])}, reverse=True):
            if (manifest := self.manifest(version)) and manifest.passed:
                return manifest, lost
            counted = (
                version == shown or self.has(version, CONDEMNED) or self.has(version, MANIFEST)
            )
            lost = lost or (version if counted else None)
        return None, lost

    def last_audited(self) -> Manifest | None:
        """Return the newest version that passed its audit, whether it still counts or not."""
        manifests = (self._read(version, MANIFEST) for version in self.version_ids())
        return next((each for each in manifests if each and each.passed), None)

    def withheld(self) -> Manifest | None:
        """Return the newest finished version if it was withheld only for the rows it lost."""
        for version in self.version_ids():
            if self.has(version, MANIFEST):
                return None
            if refused := self._read(version, REFUSED):
                return refused if refused.failed == [ROWS_NOT_LOST] else None
        return None

    def urls(self, manifest: Manifest) -> list[str]:
        """Return the URLs of a version's files, so that Spark reads nothing else in its folder."""
        return [f"{self.location(manifest.version)}/{file.name}" for file in manifest.files]

    def record(self, manifest: Manifest) -> None:
        """Make a version count.

        One that failed its audit never counts; its manifest has another name.
        """
        name = MANIFEST if manifest.passed else REFUSED
        content = manifest.model_dump_json(indent=1).encode()
        self.lake.write(f"{self.folder(manifest.version)}/{name}", content)

    def condemn(self, version: str, why: str) -> None:
        """Let a version count no longer. Its files stay."""
        self.lake.write(f"{self.folder(version)}/{CONDEMNED}", why.encode())

    def differences(self, manifest: Manifest) -> Differences:
        """Compare the folder of a version with its manifest. No file is read."""
        return differences(self.lake, self.folder(manifest.version), manifest.files)

    def verify(self, manifest: Manifest, *, surplus: bool = False) -> None:
        """Compare every byte of a version; condemn a damaged one and raise DamagedVersion.

        A file that the manifest does not list is damage too, unless `surplus` allows it.
        """
        if problem := self._damage(manifest, surplus=surplus):
            self.condemn(manifest.version, problem)
            raise DamagedVersion(
                f"{problem}; the version no longer counts: run {self.table.name} and what it is"
                f" made from again for {self.date}"
            )

    def is_intact(self, manifest: Manifest, *, surplus: bool = False) -> bool:
        """Return whether a version is as it was written; condemn it if it is not."""
        try:
            self.verify(manifest, surplus=surplus)
        except DamagedVersion:
            return False
        return True

    def has(self, version: str, name: str) -> bool:
        """Return whether a version's folder holds a file of that name."""
        return bool(self.lake.info(f"{self.folder(version)}/{name}").is_file)

    def _read(self, version: str, name: str) -> Manifest | None:
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
                return f"{path} holds other bytes than were written"
        return None


def stored_days(table: Table, lake: Lake) -> list[StoredDay]:
    """Return the days of a table that have a folder in the lake, the first one first."""
    prefix = f"{table.partition_column}="
    names = (info.base_name for info in lake.list(table.name) if info.base_name.startswith(prefix))
    return [StoredDay(table, lake, name.removeprefix(prefix)) for name in names]


def digest(lake: Lake, path: str) -> str:
    """Return the SHA-256 of a file of the lake."""
    sha256 = hashlib.sha256()
    with reading(path), lake.files.open_input_stream(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()
