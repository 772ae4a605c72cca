"""The lake: a root URL and the files under it."""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlparse

import pyarrow.fs as pafs
import pyarrow.parquet as pq

from cab_assets.errors import CabError


class LakeRefused(CabError):
    """The lake cannot be written: it is full, read-only, or not ours."""


@dataclass(frozen=True)
class Lake:
    """Files under `root`, addressed by paths relative to it, parts separated by `/`."""

    root: str

    @cached_property
    def files(self) -> pafs.FileSystem:
        if urlparse(self.root).scheme != "file":
            raise LakeRefused(f"CAB_LAKE_ROOT={self.root}: only file:// is supported so far")
        local = pafs.LocalFileSystem()
        return pafs.SubTreeFileSystem(self.root.removeprefix("file://"), local)

    def url(self, path: str) -> str:
        """Where Spark and Hive find `path`."""
        return f"{self.root}/{path}"

    def read(self, path: str) -> bytes:
        with self.files.open_input_stream(path) as file:
            return bytes(file.read())

    def parquet_rows(self, path: str) -> int:
        """How many rows a Parquet file says it holds."""
        return int(pq.read_metadata(path, filesystem=self.files).num_rows)

    def write(self, path: str, content: bytes) -> None:
        try:
            with self.files.open_output_stream(path) as file:
                file.write(content)
        except OSError as error:
            raise refused(path, error) from error

    def list(self, folder: str) -> list[pafs.FileInfo]:
        """What lies directly in `folder`; nothing when there is no such folder."""
        found = self.files.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        return sorted(found, key=lambda info: info.path)


def refused(path: str, error: OSError) -> LakeRefused:
    return LakeRefused(f"cannot write {path} in the lake: {error}. Nothing was published from it; free space or mend permissions, then run the day again")
