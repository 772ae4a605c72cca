"""Totals of a version as numbers that the Dagster UI can plot. The checks have the exact values."""

from cab_assets.schemas import BOOKINGS
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.manifest import Manifest


def plottable(value: str) -> str | int:
    """Return small counts as numbers, which the Dagster UI plots. It has no 64-bit integers."""
    return int(value) if value.isdecimal() and len(value) < 16 else value


def amounts(manifest: Manifest) -> dict[str, float]:
    """Return the totals of a version as numbers that the Dagster UI can plot."""
    return totals(manifest.fingerprint) if manifest.fingerprint else {}


def totals(found: Fingerprint) -> dict[str, float]:
    """Return the sums by column; 0 if no row has a value."""
    sums = (found.totals.get(label) for label in BOOKINGS.labels)
    return {name: float(total or 0) for name, total in zip(BOOKINGS.totals, sums, strict=True)}
