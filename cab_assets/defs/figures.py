"""Totals of a version as numbers that the Dagster UI can plot. The checks have the exact values."""

from cab_assets.declarations import SourceTable
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.manifest import Manifest


def plottable(value: str) -> str | int:
    """Return small counts as numbers, which the Dagster UI plots. It has no 64-bit integers."""
    return int(value) if value.isdecimal() and len(value) < 16 else value


def amounts(table: SourceTable, manifest: Manifest) -> dict[str, float]:
    """Return the totals of a version as numbers that the Dagster UI can plot."""
    return totals(table, manifest.fingerprint) if manifest.fingerprint else {}


def totals(table: SourceTable, found: Fingerprint) -> dict[str, float]:
    """Return the sums by column; 0 if no row has a value."""
    sums = (found.totals.get(label) for label in table.labels)
    return {name: float(total or 0) for name, total in zip(table.totals, sums, strict=True)}
