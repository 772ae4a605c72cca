"""The sensors that request runs when clicks arrive, and when days lack some of them."""

import time
from datetime import datetime

import dagster as dg

from cab_assets.clickstream.batch import committed_ends
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.offsets import lag, starting
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import TopicState
from cab_assets.defs.clickstream.assets import DAYS, REJECTED, STREAM, click_batches, click_days
from cab_assets.defs.clickstream.jobs import clickstream_fold, clickstream_ingest
from cab_assets.defs.clickstream.report import topic_seen
from cab_assets.defs.resources import CALENDAR
from cab_assets.defs.steps import tick
from cab_assets.environment import Environment
from cab_assets.errors import CabError

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
# After 3 consecutive failures, wait 30 s between runs so that an outage does not flood the run
# history
FAILURES, PAUSE_SECONDS = 3, 30
FOLD_TICK_SECONDS = 30
# Upper bound of the share of time in which folds run
FOLD_SHARE = 0.1
# Upper bound of the pause after a fold, also after one that hung
MOST_REST_SECONDS = 3_600
# Minutes between folds while there are no new batches: days may be due for their seal, and batches
# for retirement
IDLE_FOLD_MINUTES = 60


@dg.sensor(
    job=clickstream_ingest,
    description="Ingest clicks when the topic holds records that are not committed.",
    minimum_interval_seconds=CALENDAR.clickstream_tick_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
@tick
def clickstream_sensor(
    context: dg.SensorEvaluationContext,
    click_topic: dg.ResourceParam[ClickTopic],
    lake: dg.ResourceParam[Lake],
    hive_in_brief: dg.ResourceParam[Hive],
) -> dg.SensorResult | dg.SkipReason:
    """Request a run when the topic has uncommitted records and no run is in progress."""
    if run := active_run(context.instance, clickstream_ingest.name, {STREAM}):
        return dg.SkipReason(f"Run {run.run_id} is already in progress.")
    if wait := pause(context.instance, clickstream_ingest.name, time.time()):
        news = f"The last {FAILURES} runs failed; the next run is requested in {wait:.0f} s."
        return dg.SkipReason(news)
    # The cursor has the newest batch at the last tick, as a hint, and the error that stopped it
    number, _, trouble = (context.cursor or "").partition(" ")
    newest = Ledger(lake, hive_in_brief).newest(int(number or 0))
    state = click_topic.look()
    cursor = str(newest.number if newest else 0)
    try:
        # The run compares the last records, which may take long for a sensor
        start = starting(newest, click_topic, state, compare_records=False)
    except CabError as error:
        return _stopped(error, cursor, trouble)
    context.update_cursor(cursor)
    if not (waiting := lag(start, state.ends)):
        return dg.SkipReason(all_committed(click_topic, state))
    context.log.info(f"lag {waiting:,} offsets")
    stay = {"ops": {click_batches.op.name: {"config": {"stay": True}}}}
    seen = topic_seen(click_topic.name, state, committed_ends(newest, click_topic.name))
    return dg.SensorResult(run_requests=[dg.RunRequest(run_config=stay)], asset_events=[seen])


def _stopped(error: CabError, cursor: str, trouble: str) -> dg.SensorResult | dg.SkipReason:
    """Request one run, which fails with the error, so that the error is in the list of runs."""
    if trouble == str(error):
        return dg.SkipReason(
            "No run requested: the last run failed with an error that a new run would repeat. Fix"
            f" it first; the sensor continues by itself: {error}"
        )
    return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=f"{cursor} {error}")


@dg.sensor(
    job=clickstream_fold,
    description="Fold committed batches into the daily tables every CAB_FOLD_MINUTES.",
    minimum_interval_seconds=FOLD_TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
@tick
def clicks_sensor(
    context: dg.SensorEvaluationContext,
    environment: dg.ResourceParam[Environment],
    lake: dg.ResourceParam[Lake],
    hive_in_brief: dg.ResourceParam[Hive],
) -> dg.SensorResult | dg.SkipReason:
    """Request a run that folds days that lack records, seals days, and retires batches."""
    if run := active_run(context.instance, clickstream_fold.name, {DAYS, REJECTED}):
        return dg.SkipReason(f"Run {run.run_id} is already in progress.")
    newest = Ledger(lake, hive_in_brief).newest(int(context.cursor or 0))
    if newest is None:
        return dg.SkipReason("No batch was ever committed.")
    new = newest.number - int(context.cursor or 0)
    last = last_fold(context.instance)
    # After a failed run, its days are still to be folded
    often = new or (last and last.dagster_run.status == dg.DagsterRunStatus.FAILURE)
    if wait := seconds_to_wait(
        span(last), time.time(), minutes=environment.fold_minutes if often else IDLE_FOLD_MINUTES
    ):
        return dg.SkipReason(f"{new} new batches; the next fold is in {wait:.0f} s.")
    day = datetime.now(environment.timezone).date().isoformat()
    every_day = {"ops": {click_days.op.name: {"config": {"all_due": True}}}}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_config=every_day, partition_key=day)],
        cursor=str(newest.number),
    )


def all_committed(topic: ClickTopic, state: TopicState) -> str:
    """Return the message that no offset is uncommitted, with what Kafka does not deliver yet."""
    held = "; ".join(map(str, topic.held(state)))
    behind = f" Kafka does not deliver yet: {held}" if held else ""
    ends = f"{sum(state.ends.values()):,}"
    return f"All offsets of {topic.name} are committed (sum of the end offsets: {ends}).{behind}"


def active_run(
    instance: dg.DagsterInstance, job: str, assets: set[dg.AssetKey]
) -> dg.DagsterRun | None:
    """Return a run that is queued or in progress, of the job or of one of the assets."""
    runs = instance.get_runs(dg.RunsFilter(statuses=ACTIVE))
    return next(
        (run for run in runs if run.job_name == job or assets & set(run.asset_selection or ())),
        None,
    )


def pause(instance: dg.DagsterInstance, job: str, now: float) -> float:
    """Return the seconds until the next run is requested if the last runs all failed, else 0."""
    last = instance.get_run_records(dg.RunsFilter(job_name=job), limit=FAILURES)
    if len(last) < FAILURES or any(
        record.dagster_run.status != dg.DagsterRunStatus.FAILURE for record in last
    ):
        return 0.0
    return max(0.0, span(last[0])[1] + PAUSE_SECONDS - now)


def last_fold(instance: dg.DagsterInstance) -> dg.RunRecord | None:
    return next(
        iter(instance.get_run_records(dg.RunsFilter(job_name=clickstream_fold.name), limit=1)), None
    )


def span(run: dg.RunRecord | None) -> tuple[float, float]:
    """Return when a run started and ended, in seconds since 1970; (0, 0) if there was none."""
    return (run.start_time or 0.0, run.end_time or 0.0) if run else (0.0, 0.0)


def seconds_to_wait(last: tuple[float, float], now: float, *, minutes: float) -> float:
    """Return the seconds until the next fold.

    It starts `minutes` after the start of the last one, or later, so that folds take at most
    FOLD_SHARE of the time.
    """
    start, end = last
    rest = min((end - start) * (1 / FOLD_SHARE - 1), MOST_REST_SECONDS)
    return max(0.0, start + minutes * 60 - now, end + rest - now)
