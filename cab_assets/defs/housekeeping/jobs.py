"""Deletion of superseded versions after their retention, and of runs that materialized no day."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.retire import collect_batches
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.declarations import Table
from cab_assets.defs.clickstream.jobs import clickstream_ingest
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.store.collect import Collected, Refusals, collect
from cab_assets.store.table_store import TableStore
from cab_assets.tables import days_tables
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

ACTIVE = [
    status
    for status in dg.DagsterRunStatus
    if status.name not in ("SUCCESS", "FAILURE", "CANCELED")
]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# Runs that are read at once
RUNS_AT_ONCE = 1000
# Upper bound of the time in which one night looks at runs
PURGE_SECONDS = 600


@dg.op
@step
def collect_versions(
    context: dg.OpExecutionContext,
    environment: dg.ResourceParam[Environment],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
) -> None:
    """Delete superseded versions, retired batches and orphaned folders whose retention is over."""
    active = {run.run_id for run in context.instance.get_runs(dg.RunsFilter(statuses=ACTIVE))}
    grace = timedelta(environment.version_grace_days)
    now = datetime.now(UTC)
    refusals = Refusals()
    for table in days_tables():
        store = TableStore(table, lake, hive)
        with refusals.noted():
            _report(context, table, collect(store, grace=grace, now=now, active_runs=active))
    ledger = Ledger(lake, hive)
    ledger.create()
    with refusals.noted():
        found = collect_batches(ledger, grace=grace, now=now, active_runs=active)
        _report(context, CLICKSTREAM_BATCHES, found)
    refusals.raise_if_any()


def _report(context: dg.OpExecutionContext, of: Table, found: Iterable[Collected]) -> None:
    """Log each folder as soon as it is deleted."""
    gone, table = [], of.name
    for each in found:
        context.log.info(f"deleted {each.path} ({each.bytes:,} bytes)")
        gone.append(each)
    context.add_output_metadata(
        {table: len(gone), f"{table}_bytes": sum(each.bytes for each in gone)}
    )


@dg.op
@step
def purge_runs(context: dg.OpExecutionContext, environment: dg.ResourceParam[Environment]) -> None:
    """Delete finished runs past their retention, except those that materialized days.

    Runs that materialized days are kept as the history of the tables. Runs that ingested batches
    are deleted, because there is one batch every few seconds.
    """
    before = datetime.now(UTC) - timedelta(environment.run_retention_days)
    idle, seen, give_up = list[str](), 0, time.monotonic() + PURGE_SECONDS
    for run in _finished(context.instance, before):
        seen += 1
        if run.job_name == clickstream_ingest.name or not materialized_anything(
            context.instance, run.run_id
        ):
            idle.append(run.run_id)
        if time.monotonic() > give_up:
            context.log.warning("not all old runs were looked at; the next night continues")
            break
    for run_id in idle:
        context.instance.delete_run(run_id)
    context.log.info(f"deleted {len(idle)} of {seen} finished runs older than {before:%Y-%m-%d}")


def _finished(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    """Yield the finished runs that were created before an instant, newest first."""
    old = dg.RunsFilter(statuses=FINISHED, created_before=before)
    cursor = None
    while runs := instance.get_runs(old, cursor=cursor, limit=RUNS_AT_ONCE):
        yield from runs
        cursor = runs[-1].run_id


def materialized_anything(instance: dg.DagsterInstance, run_id: str) -> bool:
    return bool(
        instance.get_records_for_run(
            run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION, limit=1
        ).records
    )


@dg.job(description="Delete superseded versions and old runs.")
def housekeeping() -> None:
    collect_versions()
    purge_runs()
