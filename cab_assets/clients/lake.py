"""The lake: a root URL and the files under it, on a local disk, HDFS or S3."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import ParseResult, urlparse

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from cab_assets.clients import hdfs, s3
from cab_assets.errors import CabError, Unavailable


class LakeRefused(CabError):
    """The lake cannot be written or a file not deleted: it is full, read-only, or denies access."""


class LakeUnavailable(Unavailable):
    """The lake cannot be read: it does not answer, is overloaded, or denies access."""


@dataclass(frozen=True)
class Lake:
    """Files under `root` (file://, hdfs:// or s3://), addressed by relative paths with `/`."""

    root: str

    @cached_property
    def files(self) -> pafs.FileSystem:
        """The lake as a file system of Arrow.

        Each call to a remote lake has a time-out, after which it raises an OSError.
        """
        address = urlparse(self.root)
        return pafs.SubTreeFileSystem(*FILE_SYSTEMS[address.scheme](address))

    def url(self, path: str) -> str:
        """Return the URL under which Spark and Hive find `path`."""
        return f"{self.root.replace('s3://', 's3a://', 1)}/{path}"

    def make_folder(self, path: str) -> None:
        """Create a folder for files that are written next, except on S3.

        S3 has no folders: Arrow would create an empty object for each part of the path.
        """
        if not self.root.startswith("s3://"):
            self.files.create_dir(path)

    def info(self, path: str) -> pafs.FileInfo:
        """Return the file information of `path`; its type is NotFound if nothing is there."""
        with reading(path):
            return self.files.get_file_info(path)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file. Raise FileNotFoundError if it is missing."""
        with reading(path), self.files.open_input_stream(path) as file:
            return bytes(file.read())

    def parquet_rows(self, path: str) -> int:
        """Return the number of rows in the metadata of a Parquet file."""
        with reading(path):
            return int(pq.read_metadata(path, filesystem=self.files).num_rows)

    def columns(self, path: str, names: Sequence[str]) -> pa.Table:
        """Return some columns of a Parquet file."""
        with reading(path):
            return pq.read_table(path, filesystem=self.files, columns=list(names))

    def write(self, path: str, content: bytes) -> None:
        """Write a file and check its size: HDFS keeps an empty one if a DataNode dies meanwhile."""
        try:
            with self.files.open_output_stream(path) as file:
                file.write(content)
            self.holds(path, len(content))
        except OSError as error:
            raise refused(path, error) from error

    def holds(self, path: str, size: int) -> None:
        """Raise OSError if a file that was just written does not have this size in bytes."""
        if (found := self.files.get_file_info(path).size) != size:
            raise OSError(f"it has {found} bytes, but {size} were written")

    def list(self, folder: str) -> list[pafs.FileInfo]:
        """Return the files and folders directly in `folder`; empty if it does not exist."""
        with reading(folder):
            found = self.files.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
        return sorted(found, key=lambda info: info.path)


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Convert an OSError of reading `path` to LakeUnavailable. FileNotFoundError is passed on."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LakeUnavailable(
            f"cannot read {path} in the lake: {str(error).rstrip('.')}. See `cab doctor`, then run"
            " again"
        ) from error


@contextmanager
def deleting(path: str) -> Iterator[None]:
    """Convert an OSError of deleting `path` to LakeRefused."""
    try:
        yield
    except OSError as error:
        raise LakeRefused(
            f"cannot delete {path} in the lake: {str(error).rstrip('.')}. Fix its permissions (see"
            " `cab doctor`), then run again"
        ) from error


def refused(path: str, error: OSError) -> LakeRefused:
    advice = (
        "free space, fix permissions or start the server that is down (see `cab doctor`), then run"
        " again"
    )
    return LakeRefused(
        f"cannot write {path} in the lake: {error}. Nothing of it was published; {advice}"
    )


FILE_SYSTEMS: dict[str, Callable[[ParseResult], tuple[str, pafs.FileSystem]]] = {
    "file": lambda address: (address.path, pafs.LocalFileSystem()),
    "hdfs": lambda address: (address.path, hdfs.file_system(address)),
    "s3": lambda address: (f"{address.netloc}{address.path}", s3.file_system()),
}
