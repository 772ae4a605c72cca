"""Versions: immutable folders `<table>/<partition column>=<day>/version=<id>`, of which the newest audited one wins.

A version counts once `_manifest.json` is in it and no longer when `_condemned` is. Ids sort by what the version was
made from (the moment its source was read, the number of the batch it goes through), then the code that made it, then the run.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow.fs as pafs
from pydantic import ValidationError

from cab_assets.clients.lake import Lake, reading
from cab_assets.errors import CabError
from cab_assets.schemas import Table
from cab_assets.store.folders import differences
from cab_assets.store.manifest import MANIFEST, REFUSED, Manifest

CONDEMNED = "_condemned"
ROWS_NOT_LOST = "rows_not_lost"  # a check that the same state of the source fails each time
CHUNK_BYTES = 1 << 20


class DamagedVersion(CabError):
    """The files of a version are not what its manifest says."""


@dataclass(frozen=True)
class Partition:
    """One day of one table."""

    table: Table
    day: str

    @property
    def path(self) -> str:
        return f"{self.table.name}/{self.table.partition_column}={self.day}"

    def version_path(self, version: str) -> str:
        return f"{self.path}/version={version}"

    def __str__(self) -> str:
        return f"{self.table.name}/{self.day}"


def moment_id(moment: datetime) -> str:
    """`moment` (UTC) as the first part of a version id."""
    return f"{moment:%Y%m%dT%H%M%S%fZ}"


def version_id(made_from: str, table: Table, run_id: str) -> str:
    """The id of a version of `table`; `made_from` is the moment of the source or the version it derives from."""
    return f"{made_from.split('-')[0]}-{table.code_version:03d}-{run_id}"


def without_run(version: str) -> str:
    """What orders two versions whoever made them: the moment of the source and the code."""
    return "-".join(version.split("-")[:2])


def newest(lake: Lake, partition: Partition) -> Manifest | None:
    """The manifest of the newest version that counts, None if there is none. Content is not read: see `verify`."""
    return next(audited(lake, partition), None)


def newest_and_lost(lake: Lake, partition: Partition, shown: str | None = None) -> tuple[Manifest | None, str | None]:
    """Return the newest version that counts, and the id of the newest one after it that once did.

    The second is condemned, its manifest is damaged, or it is `shown` by the metastore and its files are gone.
    """
    lost = None
    for version in sorted({*version_ids(lake, partition), *filter(None, [shown])}, reverse=True):
        if (manifest := read_manifest(lake, partition, version)) and manifest.passed:
            return manifest, lost
        path = partition.version_path(version)
        counted = version == shown or any(lake.info(f"{path}/{name}").is_file for name in (CONDEMNED, MANIFEST))
        lost = lost or (version if counted else None)
    return None, lost


def audited(lake: Lake, partition: Partition) -> Iterator[Manifest]:
    """The versions that count, newest first."""
    for version in sorted(version_ids(lake, partition), reverse=True):
        if (manifest := read_manifest(lake, partition, version)) and manifest.passed:
            yield manifest


def last_audited(lake: Lake, partition: Partition) -> Manifest | None:
    """Return the manifest of the newest version that passed its audit, whether it still counts or not."""
    for version in sorted(version_ids(lake, partition), reverse=True):
        manifest = _manifest(lake, f"{partition.version_path(version)}/{MANIFEST}")
        if manifest and manifest.passed:
            return manifest
    return None


def withheld(lake: Lake, partition: Partition) -> Manifest | None:
    """Return the newest version, attempts left out, if it was withheld only for the rows it lost."""
    for version in sorted(version_ids(lake, partition), reverse=True):
        path = partition.version_path(version)
        if lake.info(f"{path}/{MANIFEST}").is_file:
            return None
        if refused := _manifest(lake, f"{path}/{REFUSED}"):
            return refused if refused.failed == [ROWS_NOT_LOST] else None
    return None


def version_ids(lake: Lake, partition: Partition) -> list[str]:
    """Every version folder of a partition, whether it counts or not."""
    folders = (info.base_name.removeprefix("version=") for info in lake.list(partition.path) if info.type == pafs.FileType.Directory)
    return [name for name in folders if is_version_id(name)]


def is_version_id(name: str) -> bool:
    """Whether a name is one that `version_id` gives: other folders in a partition are somebody else's."""
    return re.fullmatch(r"(\d{8}T\d{12}Z|\d{12})-\d{3}-.+", name) is not None


def read_manifest(lake: Lake, partition: Partition, version: str) -> Manifest | None:
    """What the version says of itself; None if it does not count (unfinished, condemned, or its manifest is no more whole)."""
    path = partition.version_path(version)
    if lake.info(f"{path}/{CONDEMNED}").is_file:
        return None
    return _manifest(lake, f"{path}/{MANIFEST}")


def _manifest(lake: Lake, path: str) -> Manifest | None:
    try:
        return Manifest.model_validate_json(lake.read(path))
    except (FileNotFoundError, ValidationError):
        return None


def data_urls(lake: Lake, partition: Partition, manifest: Manifest) -> list[str]:
    """The files of a version as Spark finds them: a job over them reads nothing else that lies in the folder."""
    path = partition.version_path(manifest.version)
    return [lake.url(f"{path}/{file.name}") for file in manifest.files]


def verify(lake: Lake, partition: Partition, manifest: Manifest, *, surplus: bool = False) -> None:
    """Read every byte of a version and compare; a version that is damaged is condemned and DamagedVersion raised.

    A version is what its folder holds: a file that its manifest does not list is damage too, unless `surplus` lets it pass.
    """
    if problem := _damage(lake, partition.version_path(manifest.version), manifest, surplus=surplus):
        condemn(lake, partition, manifest.version, problem)
        raise DamagedVersion(f"{problem}; the version no longer counts: run {manifest.table} and what it is made from again for {partition.day}")


def condemn(lake: Lake, partition: Partition, version: str, why: str) -> None:
    """Let a version count no longer; its files stay."""
    lake.write(f"{partition.version_path(version)}/{CONDEMNED}", why.encode())


def is_whole(lake: Lake, partition: Partition, manifest: Manifest, *, surplus: bool = False) -> bool:
    """Whether a version is as it was written; one that is not is condemned."""
    try:
        verify(lake, partition, manifest, surplus=surplus)
    except DamagedVersion:
        return False
    return True


def _damage(lake: Lake, path: str, manifest: Manifest, *, surplus: bool) -> str | None:
    found = differences(lake, path, manifest.files)
    if problem := next(iter(found.lost if surplus else found.lost + found.surplus), None):
        return problem
    for file in manifest.files:
        if digest(lake, f"{path}/{file.name}") != file.sha256:
            return f"{path}/{file.name} holds other bytes than were written"
    return None


def digest(lake: Lake, path: str) -> str:
    """SHA-256 of a file of the lake."""
    sha256 = hashlib.sha256()
    with reading(path), lake.files.open_input_stream(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()
