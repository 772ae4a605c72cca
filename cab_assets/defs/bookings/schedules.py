"""When days are imported automatically, and when they are compared with the source."""

import dagster as dg

from cab_assets.defs.bookings.jobs import bookings_daily, observe_bookings
from cab_assets.defs.resources import CALENDAR


def comparison(
    name: str, cron: str, *, everything: bool, hashed: bool, why: str
) -> dg.ScheduleDefinition:
    """Return a schedule of `observe_bookings`."""
    return dg.ScheduleDefinition(
        name=name,
        job=observe_bookings,
        cron_schedule=cron,
        execution_timezone=CALENDAR.timezone.key,
        run_config={"ops": {"observe": {"config": {"everything": everything, "hashed": hashed}}}},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=why,
    )


bookings_nightly = dg.build_schedule_from_partitioned_job(
    bookings_daily,
    name="bookings_nightly",
    hour_of_day=0,
    # Rides that end shortly after midnight are in the source by then. Later ones are late rows,
    # which the comparisons find
    minute_of_hour=20,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Imports yesterday.",
)
compare_sums = comparison(
    "bookings_look_sums",
    "15,30,45 * * * *",
    everything=False,
    hashed=False,
    why="Finds new, late and deleted rows and changed amounts within 15 minutes.",
)
compare_hashes = comparison(
    "bookings_look_hashes",
    "0 * * * *",
    everything=False,
    hashed=True,
    why="Finds any correction in the look-back window within an hour.",
)
compare_everything = comparison(
    "bookings_sweep",
    "30 3 * * 0",
    everything=True,
    hashed=True,
    why="Finds any correction of any day within a week.",
)
