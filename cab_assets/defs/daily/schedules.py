"""When days are imported automatically, and when they are compared with the source."""

from typing import Any

import dagster as dg

from cab_assets.defs.resources import CALENDAR


def nightly(job: Any) -> Any:
    """Return the schedule that imports yesterday."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="bookings_nightly",
        hour_of_day=0,
        # Rows that are written shortly after midnight are in the source by then. Later ones are
        # late rows, which the comparisons find
        minute_of_hour=20,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Imports yesterday.",
    )


def comparisons(job: dg.JobDefinition) -> list[dg.ScheduleDefinition]:
    """Return the schedules of the job that compares days with the source."""
    return [
        _comparison(
            job,
            "bookings_look_sums",
            "15,30,45 * * * *",
            everything=False,
            hashed=False,
            why="Finds new, late and deleted rows and changed amounts within 15 minutes.",
        ),
        _comparison(
            job,
            "bookings_look_hashes",
            "0 * * * *",
            everything=False,
            hashed=True,
            why="Finds any correction in the look-back window within an hour.",
        ),
        _comparison(
            job,
            "bookings_sweep",
            "30 3 * * 0",
            everything=True,
            hashed=True,
            why="Finds any correction of any day within a week.",
        ),
    ]


def _comparison(
    job: dg.JobDefinition, name: str, cron: str, *, everything: bool, hashed: bool, why: str
) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=CALENDAR.timezone.key,
        run_config={"ops": {"observe": {"config": {"everything": everything, "hashed": hashed}}}},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=why,
    )
