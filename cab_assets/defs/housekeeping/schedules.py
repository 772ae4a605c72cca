"""When superseded versions and old runs are deleted."""

import dagster as dg

from cab_assets.defs.housekeeping.jobs import housekeeping
from cab_assets.defs.resources import CALENDAR

housekeeping_nightly = dg.ScheduleDefinition(
    name="housekeeping_nightly",
    job=housekeeping,
    cron_schedule="40 4 * * *",
    execution_timezone=CALENDAR.timezone.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Deletes superseded versions whose retention is over, and old runs, after the nightly"
        " import."
    ),
)
