"""The validation of each day, as checks that Dagster shows per partition.

These specs only declare the checks. The import itself does not publish a day that fails them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from cab_assets.daily.aggregate_days import AGGREGATE_CHECKS
from cab_assets.daily.import_checks import IMPORT_CHECKS
from cab_assets.defs.partitions import daily
from cab_assets.defs.specs import check_specs
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.store.checks import Check

EVERY_ROW_HAS_A_DAY = "every_row_has_a_day"
AUDITS: Mapping[str, Sequence[Check[Any]]] = {
    "raw_bookings": IMPORT_CHECKS,
    "booking_aggregates": AGGREGATE_CHECKS,
}


def audits() -> list[dg.AssetCheckSpec]:
    return [spec for asset, checks in AUDITS.items() for spec in check_specs(asset, checks, daily)]


@dg.asset_check(
    asset="rds_bookings",
    name=EVERY_ROW_HAS_A_DAY,
    description=(
        "Every row has a valid pickup_timestamp from CAB_START_DATE to today. Other rows belong to"
        " no partition and are not imported."
    ),
)
@step
def every_row_has_a_day(
    environment: dg.ResourceParam[Environment], bookings_db: dg.ResourceParam[BookingsDb]
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        **outcome(
            bookings_db.rows_without_a_day(
                environment.start_date, seconds=environment.statement_seconds
            )
        )
    )


def outcome(rows_without_a_day: int) -> dict[str, Any]:
    """Return a warning, not an error: all other rows can be imported."""
    return {
        "passed": rows_without_a_day == 0,
        "severity": dg.AssetCheckSeverity.WARN,
        "metadata": {"rows_without_a_day": rows_without_a_day},
    }
