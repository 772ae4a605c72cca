"""When the topic is observed, and when every day of clicks is compared with Hive."""

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
    description="Logs the end offsets of the topic, and checks if records wait too long.",
)


@dg.schedule(
    job=clickstream_fold,
    cron_schedule="30 4 * * 0",
    execution_timezone=CALENDAR.timezone.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Once a week, compares every day of clicks and rejects with Hive and with its files, and"
        " publishes the days that differ."
    ),
)
def clicks_sweep() -> dg.RunRequest:
    """Request a fold that compares every day."""
    today = datetime.now(CALENDAR.timezone).date().isoformat()
    config = {"ops": {click_days.op.name: {"config": {"all_due": True, "sweep": True}}}}
    return dg.RunRequest(run_config=config, partition_key=today)
