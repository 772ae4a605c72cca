"""What a run tells Dagster of its days of bookings."""

from collections.abc import Iterable, Mapping

import dagster as dg

from cab_assets.clients.lake import Lake
from cab_assets.daily.aggregate_days import AggregatedDay
from cab_assets.daily.import_day import ImportedDay
from cab_assets.defs.bookings.checks import AUDITS
from cab_assets.defs.partitions import daily
from cab_assets.defs.report import DayReport
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.store.manifest import Manifest
from cab_assets.store.versions import Partition

RAW = dg.AssetKey("raw_bookings")


class Report(DayReport):
    """Days that are imported, published and aggregated."""

    def __init__(self, context: dg.AssetExecutionContext, lake: Lake) -> None:
        super().__init__(context, lake, daily, AUDITS)

    def imported(self, days: Iterable[tuple[str, ImportedDay | Exception]]) -> list[str]:
        """Log each day that was imported; the days that passed their audit."""
        return sorted(day for day, outcome in days if self._imported(day, outcome))

    def aggregated(self, asked: Iterable[str], days: Mapping[str, AggregatedDay]) -> list[str]:
        """Log the checks of each aggregated day; the days that passed them."""
        for day in set(asked) - days.keys():
            self.fail(day, "no published version of its bookings that is whole; materialize raw_bookings and bookings for the day first")
        return [day for day, outcome in days.items() if self.audited(dg.AssetKey(BOOKING_AGGREGATES.name), outcome.manifest)]

    def _imported(self, day: str, outcome: ImportedDay | Exception) -> bool:
        if isinstance(outcome, Exception):
            return self.fail_with(day, RAW, outcome)
        if outcome.added_columns:
            self._context.log.warning(f"{day}: the source has columns that are not imported: {', '.join(outcome.added_columns)}")
        if not self.audited(RAW, outcome.manifest):
            return False
        for finding in outcome.manifest.findings if outcome.changed else ():
            if not finding.passed or "accepted" in finding.detail:
                self._context.log.warning(f"raw_bookings/{day}: {finding}")
        news = "imported" if outcome.changed else "nothing new: the source is as it was"
        self._context.log.info(f"raw_bookings/{day}: {news} ({outcome.manifest.rows:,} rows, {outcome.manifest.seconds} s)")
        path = Partition(BOOKINGS, day).version_path(outcome.manifest.version)
        self.materialized(RAW, outcome.manifest, {"path": path, "outcome": news, "columns_left_out": outcome.added_columns} | _amounts(outcome.manifest))
        return True


def _amounts(manifest: Manifest) -> dict[str, float]:
    """Fares and tips as numbers that Dagit can plot; the exact ones are in the checks."""
    source = manifest.fingerprint
    return {"trip_fare": float(source.fare or 0), "tip_amount": float(source.tip or 0)} if source else {}
