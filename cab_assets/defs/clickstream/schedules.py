"""When the topic is looked at."""

import dagster as dg

from cab_assets.defs.clickstream.jobs import observe_clicks
from cab_assets.defs.resources import CALENDAR

clicks_look = dg.ScheduleDefinition(
    name="clicks_look",
    job=observe_clicks,
    cron_schedule="*/5 * * * *",
    execution_timezone=CALENDAR.timezone.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Where the topic of clicks ends, and whether records wait for too long.",
)
