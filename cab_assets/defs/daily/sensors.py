"""The sensor that requests imports when the source changes."""

from collections.abc import Iterator, Sequence

import dagster as dg

from cab_assets.daily.changes import days_of, days_to_import
from cab_assets.declarations import SourceTable
from cab_assets.defs.daily.comparison import CHANGED_DAYS
from cab_assets.defs.daily.daily_table import DailyTable
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


def changes_sensor(tables: Sequence[DailyTable], jobs: Sequence[object]) -> dg.SensorDefinition:
    """Return the sensor of all `tables`; `jobs` are their jobs."""

    @dg.sensor(
        name="bookings_changes_sensor",
        jobs=list(jobs),  # type: ignore[arg-type]
        description="Import the days that the last comparison found changed.",
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """Import the days that the last comparison found changed, one run per range of days."""
        seen, newest = int(context.cursor or 0), 0
        news: list[str] = []
        for table in tables:
            recent = recent_comparisons(context.instance, table.source)
            # A cursor from before the event log was created again is above every id in it
            after = 0 if recent and seen > recent[0].storage_id else seen
            records = [record for record in recent if record.storage_id > after]
            if not records:
                news.append(f"No comparison of {table.source.observed} since the last tick.")
                continue
            newest = max(newest, records[0].storage_id)
            changed = {day for record in records for day in changed_in(record)}
            wanted = days_to_import(changed, busy_days(context.instance, table))
            if not wanted:
                news.append(
                    f"{len(changed)} changed days, all of them already being imported."
                    if changed
                    else "All compared days are as published."
                )
            yield from (_request(table, records[0], *days) for days in wanted)
        if len(news) == len(tables):
            yield dg.SkipReason(" ".join(dict.fromkeys(news)))
        if newest:
            context.update_cursor(str(newest))

    return sensor


def _request(table: DailyTable, record: dg.EventLogRecord, first: str, last: str) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=table.job_name,
        run_key=f"{record.storage_id}:{first}",
        tags={DAY: first} if first == last else {FIRST: first, LAST: last},
    )


def recent_comparisons(instance: dg.DagsterInstance, table: SourceTable) -> list[dg.EventLogRecord]:
    """Return the observations that summarize the latest comparisons, newest first."""
    records = instance.fetch_observations(dg.AssetKey(table.observed), limit=200).records
    return [record for record in records if CHANGED_DAYS in _observation(record).metadata]


def changed_in(comparison: dg.EventLogRecord) -> list[str]:
    """Return the changed days; ignore texts that are not dates, which cannot be imported."""
    days = _observation(comparison).metadata[CHANGED_DAYS].value
    return [day for day in map(str, days) if is_day(day)] if isinstance(days, list) else []


def busy_days(instance: dg.DagsterInstance, table: DailyTable) -> set[str]:
    """Return the days of queued or running imports, of the job, of backfills and of assets."""
    raw = dg.AssetKey(table.source.raw)
    runs = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=ACTIVE))
        if run.job_name == table.job_name or raw in (run.asset_selection or ())
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
