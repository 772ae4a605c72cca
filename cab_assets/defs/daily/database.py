"""What Dagster knows of the source database: its tables, and one look and one night for all."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from cab_assets.declarations import Table
from cab_assets.defs.daily.comparison import comparison_job
from cab_assets.defs.daily.daily_table import DailyTable
from cab_assets.defs.daily.schedules import comparisons, nightly
from cab_assets.defs.daily.sensors import changes_sensor
from cab_assets.tables import derived_from, sources

# The job of the night, if there are several tables
ALL_DAILY = "tables_daily"


def daily_tables(tables: tuple[Table, ...]) -> list[DailyTable]:
    """Return what is imported, in the order of the declarations."""
    return [DailyTable(each, tuple(derived_from(each, tables))) for each in sources(tables)]


def database(tables: Sequence[DailyTable]) -> dg.Definitions:
    """Return the definitions of the tables, with one comparison, one night and one sensor."""
    jobs = [table.job() for table in tables]
    look = comparison_job(tables)
    night = jobs[0] if len(jobs) == 1 else _all_daily(tables)
    return dg.Definitions(
        assets=[each for table in tables for each in (table.observed, table.days())],
        asset_checks=[table.every_row_has_a_day for table in tables],
        jobs=[*jobs, *([] if night in jobs else [night]), look],
        schedules=[nightly(night), *comparisons(look)],
        sensors=[changes_sensor(tables, jobs)],
    )


def _all_daily(tables: Sequence[DailyTable]) -> Any:
    keys = [key for table in tables for key in table.keys]
    return dg.define_asset_job(
        ALL_DAILY,
        selection=dg.AssetSelection.assets(*keys),
        description="Import and publish days of all tables of the database.",
    )
