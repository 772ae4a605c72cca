"""Make a version: write its files, then the manifest, which alone makes the version valid."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from cab_assets.store.audit import VersionContents, read_back
from cab_assets.store.folders import digest
from cab_assets.store.manifest import DataFile, Finding, Manifest
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.writer import write_parquet

PART = "part-00000.parquet"


@dataclass
class Draft:
    """A version of a day that is being written. `seal` makes it valid."""

    day: StoredDay
    version: str
    files: tuple[DataFile, ...] = ()
    began: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        """The path of the file that `write` creates."""
        return f"{self.day.folder(self.version)}/{PART}"

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write `batches`, in the table's Arrow schema. Without any, write a file without rows."""
        self.files = (write_parquet(self.day.lake, self.path, self.day.table, batches),)

    def adopt(self) -> None:
        """List the files that Spark wrote into the folder. Without any, write one without rows."""
        lake, found = self.day.lake, self.day.lake.list(self.day.folder(self.version))
        parts = [info for info in found if info.base_name.endswith(".parquet")]
        if not parts:
            return self.write([])
        self.files = tuple(
            DataFile(
                name=info.base_name,
                bytes=info.size,
                rows=lake.parquet_rows(info.path),
                sha256=digest(lake, info.path),
            )
            for info in parts
        )
        return None

    def read_back(
        self, *, summed: Sequence[str] = (), ranged: Sequence[str] = ()
    ) -> VersionContents:
        """Return the contents of the files, see `store.audit.read_back`."""
        return read_back(self.day, self.version, self.files, summed=summed, ranged=ranged)

    def seal(self, rows: int, findings: Iterable[Finding], **made: Any) -> Manifest:
        """Write the manifest with the findings of the audit; `made` are more of its fields.

        A version that failed its audit is kept, but is never valid.
        """
        manifest = Manifest(
            table=self.day.table.name,
            day=self.day.date,
            version=self.version,
            code_version=self.day.table.code_version,
            files=self.files,
            rows=rows,
            findings=tuple(findings),
            seconds=round(time.monotonic() - self.began, 3),
            **made,
        )
        self.day.record(manifest)
        return manifest
