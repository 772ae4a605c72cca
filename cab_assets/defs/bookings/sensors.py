"""The sensor that requests imports when the source changes."""

from collections.abc import Iterator

import dagster as dg

from cab_assets.daily.changes import days_of, days_to_import
from cab_assets.defs.bookings.assets import RAW, SOURCE
from cab_assets.defs.bookings.jobs import CHANGED_DAYS, bookings_daily
from cab_assets.store.calendar import is_day

FIRST, LAST, DAY = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)
# Seconds between two ticks: little compared with the 15 minutes between two comparisons
TICK_SECONDS = 30
ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.sensor(
    job=bookings_daily,
    description="Import the days that the last comparison found changed.",
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def bookings_changes_sensor(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Import the days that the last comparison found changed, one run for each range of days."""
    seen = int(context.cursor or 0)
    recent = recent_comparisons(context.instance)
    # A cursor from before the event log was created again is above every id in it
    if recent and seen > recent[0].storage_id:
        seen = 0
    records = [record for record in recent if record.storage_id > seen]
    if not records:
        yield dg.SkipReason("No comparison of rds_bookings since the last tick.")
        return
    changed = {day for record in records for day in changed_in(record)}
    wanted = days_to_import(changed, busy_days(context.instance))
    if not wanted:
        yield dg.SkipReason(
            f"{len(changed)} changed days, all of them already being imported."
            if changed
            else "All compared days are as published."
        )
    for first, last in wanted:
        yield dg.RunRequest(
            run_key=f"{records[0].storage_id}:{first}",
            tags={DAY: first} if first == last else {FIRST: first, LAST: last},
        )
    context.update_cursor(str(records[0].storage_id))


def recent_comparisons(instance: dg.DagsterInstance) -> list[dg.EventLogRecord]:
    """Return the observations that summarize the latest comparisons, newest first."""
    records = instance.fetch_observations(SOURCE, limit=200).records
    return [record for record in records if CHANGED_DAYS in _observation(record).metadata]


def changed_in(comparison: dg.EventLogRecord) -> list[str]:
    """Return the changed days; ignore texts that are not dates, which cannot be imported."""
    days = _observation(comparison).metadata[CHANGED_DAYS].value
    return [day for day in map(str, days) if is_day(day)] if isinstance(days, list) else []


def busy_days(instance: dg.DagsterInstance) -> set[str]:
    """Return the days of queued or running imports, of the job, of backfills and of assets."""
    runs = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE))
        if run.job_name == bookings_daily.name or RAW in (run.asset_selection or ())
    ]
    ends = [
        (run.tags.get(FIRST) or run.tags.get(DAY, ""), run.tags.get(LAST) or run.tags.get(DAY, ""))
        for run in runs
    ]
    return {
        day
        for first, last in ends
        if is_day(first) and is_day(last)
        for day in days_of(first, last)
    }


def _observation(record: dg.EventLogRecord) -> dg.AssetObservation:
    observation = record.event_log_entry.asset_observation
    if observation is None:
        raise ValueError(f"event {record.storage_id} is not an observation")
    return observation
