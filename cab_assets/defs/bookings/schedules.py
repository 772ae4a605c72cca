"""When days are imported without being asked, and when the source is looked at."""

import dagster as dg

from cab_assets.defs.bookings.jobs import bookings_daily, observe_bookings
from cab_assets.defs.resources import CALENDAR


def look(
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
    # Rides that end after midnight are written by then; later ones are late rows, which the sensor
    # finds
    minute_of_hour=20,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Imports yesterday.",
)
look_at_sums = look(
    "bookings_look_sums",
    "15,30,45 * * * *",
    everything=False,
    hashed=False,
    why="New, late and deleted rows and changed amounts, within 15 minutes.",
)
look_at_hashes = look(
    "bookings_look_hashes",
    "0 * * * *",
    everything=False,
    hashed=True,
    why="Any correction in the look-back window, within the hour.",
)
look_at_everything = look(
    "bookings_sweep",
    "30 3 * * 0",
    everything=True,
    hashed=True,
    why="Any correction of any day, within the week.",
)
