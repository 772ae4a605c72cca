"""Figures of a version as Dagit plots them; the exact ones are in the checks."""

from cab_assets.store.manifest import Manifest


def plottable(value: str) -> str | int:
    """Small counts as numbers, which Dagit plots; it cannot hold the 64 bits of a hash."""
    return int(value) if value.isdecimal() and len(value) < 16 else value


def amounts(manifest: Manifest) -> dict[str, float]:
    """Return fares and tips as numbers that Dagit can plot; the exact ones are in the checks."""
    source = manifest.fingerprint
    return (
        {"trip_fare": float(source.fare or 0), "tip_amount": float(source.tip or 0)}
        if source
        else {}
    )
