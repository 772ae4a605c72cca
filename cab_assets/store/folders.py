"""Compare a folder of the lake with its manifest."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cab_assets.clients.lake import Lake, reading

# Folders that are compared in parallel: a listing is up to four requests of 30 ms each on S3
LOOKS_AT_ONCE = 8
# Bytes of a file that are read and hashed at a time
CHUNK_BYTES = 1 << 20


class Listed(Protocol):
    """A file in the list of a manifest."""

    @property
    def name(self) -> str: ...

    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True)
class Differences:
    """How a folder differs from its manifest, as messages that name a file each."""

    # Files that are missing or have another size than the manifest says
    lost: tuple[str, ...] = ()
    # Files that the manifest does not list: readers get their rows, or fail
    surplus: tuple[str, ...] = ()

    @property
    def first(self) -> str | None:
        return next(iter(self.lost + self.surplus), None)


AS_LISTED = Differences()


def differences(lake: Lake, folder: str, files: Iterable[Listed]) -> Differences:
    """Compare names and sizes by listing the folder once. No file is read."""
    found = {info.base_name: info for info in lake.list(folder)}
    sizes = {file.name: file.bytes for file in files}
    lost = {
        name: _loss(found[name].size if name in found else None, size)
        for name, size in sizes.items()
    }
    surplus = [name for name in found if name not in sizes and not _is_hidden(name)]
    return Differences(
        tuple(f"{folder}/{name} {said}" for name, said in lost.items() if said),
        tuple(f"{folder}/{name} is not in the manifest of the folder" for name in surplus),
    )


def _is_hidden(name: str) -> bool:
    """Return whether Hive and Spark both read no file of that name; Spark reads `_a=b`."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _loss(found: int | None, written: int) -> str | None:
    if found is None:
        return "is missing"
    return None if found == written else f"has {found} bytes, but {written} were written"


def digest(lake: Lake, path: str) -> str:
    """Return the SHA-256 of a file of the lake."""
    sha256 = hashlib.sha256()
    with reading(path), lake.files.open_input_stream(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
    return sha256.hexdigest()
