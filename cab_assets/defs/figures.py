"""Figures of a version as Dagit plots them; the exact ones are in the checks."""

from cab_assets.schemas import BOOKINGS
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.manifest import Manifest


def plottable(value: str) -> str | int:
    """Return small counts as numbers, which Dagit plots; it cannot hold the 64 bits of a hash."""
    return int(value) if value.isdecimal() and len(value) < 16 else value


def amounts(manifest: Manifest) -> dict[str, float]:
    """Return the totals of a version as numbers that Dagit can plot."""
    return totals(manifest.fingerprint) if manifest.fingerprint else {}


def totals(found: Fingerprint) -> dict[str, float]:
    """Return sums by column; 0 where no row has a value."""
    sums = (found.totals.get(label) for label in BOOKINGS.labels)
    return {name: float(total or 0) for name, total in zip(BOOKINGS.totals, sums, strict=True)}
