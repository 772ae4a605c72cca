"""All definitions that Dagster loads, listed by name: a search in defs/ would take 1.1 s."""

import dagster as dg

from cab_assets.declarations import Table
from cab_assets.defs.clickstream.assets import click_batches, click_days, click_topic
from cab_assets.defs.clickstream.jobs import clickstream_fold, clickstream_ingest, observe_clicks
from cab_assets.defs.clickstream.schedules import clicks_look, clicks_sweep
from cab_assets.defs.clickstream.sensors import clicks_sensor, clickstream_sensor
from cab_assets.defs.daily.database import daily_tables, database
from cab_assets.defs.housekeeping.jobs import housekeeping
from cab_assets.defs.housekeeping.schedules import housekeeping_nightly
from cab_assets.defs.resources import RESOURCES
from cab_assets.tables import TABLES

CLICKSTREAM = dg.Definitions(
    assets=[click_topic, click_batches, click_days],
    jobs=[clickstream_ingest, clickstream_fold, observe_clicks],
    schedules=[clicks_look, clicks_sweep],
    sensors=[clickstream_sensor, clicks_sensor],
)
HOUSEKEEPING = dg.Definitions(jobs=[housekeeping], schedules=[housekeeping_nightly])


@dg.definitions
def defs() -> dg.Definitions:
    """Return every asset, check, job, schedule, sensor and resource of the code location."""
    return of(TABLES)


def of(tables: tuple[Table, ...]) -> dg.Definitions:
    """Return the definitions for these tables of the database, beside clicks and housekeeping."""
    return dg.Definitions.merge(
        database(daily_tables(tables)),
        CLICKSTREAM,
        HOUSEKEEPING,
        dg.Definitions(resources=RESOURCES, executor=dg.in_process_executor),
    )
