"""What became of a day, as a value. Whoever runs a step logs it; no step depends on that."""

from dataclasses import dataclass

from cab_assets.schemas import Table
from cab_assets.store.manifest import Manifest


@dataclass(frozen=True)
class Failed:
    """A day without a new version, or with one that could not be published."""

    asset: str
    day: str
    error: Exception


@dataclass(frozen=True)
class Withheld:
    """A new version that failed its audit and never counts."""

    asset: str
    manifest: Manifest


@dataclass(frozen=True)
class Published:
    """A day as readers see it now."""

    table: Table
    manifest: Manifest
    location: str
    moved: bool  # by this run


Outcome = Failed | Withheld | Published
