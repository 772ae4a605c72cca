"""The outcome of a day as a value. The caller of a step logs it; no step depends on that."""

from dataclasses import dataclass

from cab_assets.declarations import Table
from cab_assets.store.manifest import Manifest


@dataclass(frozen=True)
class Failed:
    """A day without a new version, or with one that could not be published."""

    asset: str
    day: str
    error: Exception


@dataclass(frozen=True)
class Withheld:
    """A new version that failed its audit, and was therefore not published."""

    asset: str
    manifest: Manifest


@dataclass(frozen=True)
class Published:
    """A day whose partition points to this version; `moved` if this run changed the location."""

    table: Table
    manifest: Manifest
    location: str
    moved: bool


Outcome = Failed | Withheld | Published
