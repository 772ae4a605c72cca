"""Dagster's default run launcher, which also detects a run whose process has ended.

Dagster's own launcher does not detect this, so a run killed with -9 would stay "started" until its
maximum run time. A run proves that it is alive by renewing a tag (heartbeat), on any host or in any
container. Run monitoring reads the tag and fails a run that stopped renewing it.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

# Dagster does not export these classes
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

# The tag's value is the run's id and seconds since 1970. The id is needed because a retry inherits
# the tags of the run before. The Dagster UI does not show tags with this prefix.
ALIVE_TAG = ".dagster/cab_alive"
# Seconds between two heartbeats. Each is three small statements on Dagster's own storage
RENEWAL_SECONDS = 10.0
# Seconds without a heartbeat after which a run counts as dead: four missed renewals. The clocks of
# the hosts may differ by half of this
SILENT_SECONDS = 45.0
# Seconds that a run has for its first heartbeat: a busy machine may take a minute
START_SECONDS = 120.0
LOG = logging.getLogger(__name__)


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Renew the run's tag until the block ends."""
    over = threading.Event()
    _beat(instance, run_id)
    args = (instance, run_id, over)
    renewing = threading.Thread(target=_renew, args=args, name=f"alive-{run_id}", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join(RENEWAL_SECONDS)


def _renew(instance: dg.DagsterInstance, run_id: str, over: threading.Event) -> None:
    while not over.wait(RENEWAL_SECONDS):
        try:
            _beat(instance, run_id)
        # The run continues, and renews the tag when Dagster's storage is back
        except Exception as error:  # noqa: BLE001
            LOG.warning("run %s could not renew its heartbeat: %s", run_id, error)


def _beat(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.add_run_tags(run_id, {ALIVE_TAG: f"{run_id} {time.time():.0f}"})


def seconds_silent(record: dg.RunRecord, now: float) -> float:
    """Return the seconds by which the heartbeat of a started run is overdue; below 0 if not."""
    run = record.dagster_run
    tagged, _, beat = run.tags.get(ALIVE_TAG, "").partition(" ")
    if tagged == run.run_id:
        return now - float(beat) - SILENT_SECONDS
    return now - (record.start_time or now) - START_SECONDS


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """A launcher with which Dagster's run monitoring fails a run whose heartbeat stopped."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        record = self._instance.get_run_record_by_id(run.run_id)
        if record and seconds_silent(record, time.time()) > 0:
            return CheckRunHealthResult(
                WorkerStatus.FAILED, "its process no longer renews its heartbeat"
            )
        return CheckRunHealthResult(WorkerStatus.RUNNING)
