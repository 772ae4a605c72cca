"""What lies in a folder of the lake, against what the folder's manifest lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cab_assets.clients.lake import Lake

HIDDEN = ("_", ".")  # Hive and Spark read no file whose name starts with one of these
LOOKS_AT_ONCE = 8  # a listing is up to four requests to the lake, of 30 ms each on S3


class Listed(Protocol):
    """A file as a manifest lists it."""

    @property
    def name(self) -> str: ...

    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True)
class Differences:
    """How a folder differs from its manifest; each message names the file."""

    lost: tuple[str, ...] = ()  # listed files that are missing or have another size
    # What the manifest does not list; readers take its rows, or fail on it
    surplus: tuple[str, ...] = ()

    @property
    def first(self) -> str | None:
        return next(iter(self.lost + self.surplus), None)


AS_LISTED = Differences()


def differences(lake: Lake, folder: str, files: Iterable[Listed]) -> Differences:
    """Compare names and sizes, with one look at the folder; no file is read."""
    found = {info.base_name: info for info in lake.list(folder)}
    sizes = {file.name: file.bytes for file in files}
    lost = {
        name: _loss(found[name].size if name in found else None, size)
        for name, size in sizes.items()
    }
    surplus = [name for name in found if name not in sizes and not name.startswith(HIDDEN)]
    return Differences(
        tuple(f"{folder}/{name} {said}" for name, said in lost.items() if said),
        tuple(f"{folder}/{name} is not in the manifest there" for name in surplus),
    )


def _loss(found: int | None, written: int) -> str | None:
    if found is None:
        return "is missing"
    return None if found == written else f"has {found} bytes, written were {written}"
