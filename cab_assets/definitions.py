"""All definitions that Dagster loads, listed by name: a search in defs/ would take 1.1 s."""

import dagster as dg

from cab_assets.defs.bookings.assets import bookings_days, rds_bookings
from cab_assets.defs.bookings.checks import every_row_has_a_day
from cab_assets.defs.bookings.jobs import bookings_daily, observe_bookings
from cab_assets.defs.bookings.schedules import (
    bookings_nightly,
    compare_everything,
    compare_hashes,
    compare_sums,
)
from cab_assets.defs.bookings.sensors import bookings_changes_sensor
from cab_assets.defs.clickstream.assets import click_batches, click_days, click_topic
from cab_assets.defs.clickstream.jobs import clickstream_fold, clickstream_ingest, observe_clicks
from cab_assets.defs.clickstream.schedules import clicks_look, clicks_sweep
from cab_assets.defs.clickstream.sensors import clicks_sensor, clickstream_sensor
from cab_assets.defs.housekeeping.jobs import housekeeping
from cab_assets.defs.housekeeping.schedules import housekeeping_nightly
from cab_assets.defs.resources import RESOURCES


@dg.definitions
def defs() -> dg.Definitions:
    """Return every asset, check, job, schedule, sensor and resource of the code location."""
    return dg.Definitions(
        assets=[rds_bookings, bookings_days, click_topic, click_batches, click_days],
        asset_checks=[every_row_has_a_day],
        jobs=[
            bookings_daily,
            observe_bookings,
            clickstream_ingest,
            clickstream_fold,
            observe_clicks,
            housekeeping,
        ],
        schedules=[
            bookings_nightly,
            compare_sums,
            compare_hashes,
            compare_everything,
            clicks_look,
            clicks_sweep,
            housekeeping_nightly,
        ],
        sensors=[bookings_changes_sensor, clickstream_sensor, clicks_sensor],
        resources=RESOURCES,
        executor=dg.in_process_executor,
    )
