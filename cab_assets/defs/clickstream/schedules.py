"""When the topic is looked at, and every day of clicks held against the metastore."""

from datetime import datetime

import dagster as dg

from cab_assets.defs.clickstream.assets import click_days
from cab_assets.defs.clickstream.jobs import clickstream_fold, observe_clicks
from cab_assets.defs.resources import CALENDAR

clicks_look = dg.ScheduleDefinition(
    name="clicks_look",
    job=observe_clicks,
    cron_schedule="*/5 * * * *",
    execution_timezone=CALENDAR.timezone.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Where the topic of clicks ends, and whether records wait for too long.",
)


@dg.schedule(
    job=clickstream_fold,
    cron_schedule="30 4 * * 0",
    execution_timezone=CALENDAR.timezone.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Publishes every day of clicks and rejects again whose partition is not what the lake"
        " holds, within the week."
    ),
)
def clicks_sweep() -> dg.RunRequest:
    """Ask for a fold that looks at every day."""
    today = datetime.now(CALENDAR.timezone).date().isoformat()
    config = {"ops": {click_days.op.name: {"config": {"all_due": True, "sweep": True}}}}
    return dg.RunRequest(run_config=config, partition_key=today)
