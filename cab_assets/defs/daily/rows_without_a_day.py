"""The check that every row of a source table belongs to a day."""

from typing import Any

import dagster as dg

from cab_assets.declarations import SourceTable
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb

EVERY_ROW_HAS_A_DAY = "every_row_has_a_day"


def every_row_has_a_day(source: SourceTable) -> dg.AssetChecksDefinition:
    """Return the check of a source table. The rows that it counts are not imported."""

    @dg.asset_check(
        asset=source.observed,
        name=EVERY_ROW_HAS_A_DAY,
        description=(
            f"Every row has a valid {source.day} from CAB_START_DATE to today. Other rows belong to"
            " no partition and are not imported."
        ),
    )
    @step
    def check(
        environment: dg.ResourceParam[Environment], bookings_db: dg.ResourceParam[BookingsDb]
    ) -> dg.AssetCheckResult:
        rows = bookings_db.of(source).rows_without_a_day(
            environment.start_date, seconds=environment.statement_seconds
        )
        return dg.AssetCheckResult(**outcome(rows))

    return check


def outcome(rows_without_a_day: int) -> dict[str, Any]:
    """Return a warning, not an error: all other rows can be imported."""
    return {
        "passed": rows_without_a_day == 0,
        "severity": dg.AssetCheckSeverity.WARN,
        "metadata": {"rows_without_a_day": rows_without_a_day},
    }
