"""The audit of each day as checks that Dagster shows per partition; withholding a bad day is the audit's own work."""

from typing import Any

import dagster as dg

from cab_assets.defs.partitions import daily
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb

EVERY_ROW_HAS_A_DAY = "every_row_has_a_day"
AUDITS = {
    "raw_bookings": {
        "equals_source": "Row count, sums of fare and tip and sum of row hashes equal the source's own in the same snapshot.",
        "booking_id_is_key": "No booking_id is missing or there twice.",
        "rows_inside_day": "Every pickup lies inside the day.",
        "arrived_as_sent": "Some hundred rows, others each time, equal what another reader is given by the source.",
        "schema_as_expected": "The files have exactly the table's columns and types.",
        "rows_not_lost": "A day of 100 rows or more does not lose more than CAB_MAX_LOSS of them.",
        "rows_as_usual": "Yesterday's first import holds at least a tenth of the usual rows; only a warning.",
    },
    "booking_aggregates": {
        "adds_up_to_bookings": "Bookings, fares and tips of all currencies add up to the day's published bookings.",
        "one_row_per_currency": "Each currency is there once.",
    },
}


def audits() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=asset, description=claim, partitions_def=daily)
        for asset, claims in AUDITS.items()
        for name, claim in claims.items()
    ]  # fmt: skip


@dg.asset_check(
    asset="rds_bookings",
    name=EVERY_ROW_HAS_A_DAY,
    description="Every row has a pickup time from the first day to today; other rows are in no partition.",
)
@step
def every_row_has_a_day(environment: dg.ResourceParam[Environment], bookings_db: dg.ResourceParam[BookingsDb]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(**outcome(bookings_db.rows_without_a_day(environment.start_date, seconds=environment.statement_seconds)))


def outcome(rows_without_a_day: int) -> dict[str, Any]:
    """A warning, not an error: every other row is where it belongs."""
    return {"passed": rows_without_a_day == 0, "severity": dg.AssetCheckSeverity.WARN, "metadata": {"rows_without_a_day": rows_without_a_day}}
