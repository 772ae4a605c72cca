"""Dagster's launcher of runs as processes, which also notices a run whose process is dead.

Dagster's own launcher cannot tell, so a run killed with -9 would stay "started" until its maximum
time. A run proves that it is alive by renewing a tag, whichever host or container it is in. Run
monitoring reads the tag and fails a run that stopped renewing it.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus  # not exported

# The tag's value is the run's id and seconds since 1970: a retry inherits the tags of the run
# before. Dagster's web interface does not show tags with this prefix.
ALIVE_TAG = ".dagster/cab_alive"
RENEWAL_SECONDS = 10.0  # a renewal is three small statements on Dagster's own storage
SILENT_SECONDS = 45.0  # four missed renewals; the hosts' clocks may differ by half of this
START_SECONDS = 120.0  # a busy machine may take a minute until the first heartbeat
LOG = logging.getLogger(__name__)


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Renew the run's tag while the block lasts."""
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
        except Exception as error:  # noqa: BLE001  the run goes on, and renews when storage is back
            LOG.warning("run %s could not say that it is alive: %s", run_id, error)


def _beat(instance: dg.DagsterInstance, run_id: str) -> None:
    instance.add_run_tags(run_id, {ALIVE_TAG: f"{run_id} {time.time():.0f}"})


def seconds_silent(record: dg.RunRecord, now: float) -> float:
    """Return the seconds by which a started run's heartbeat is overdue; below 0 if it is not."""
    run = record.dagster_run
    tagged, _, beat = run.tags.get(ALIVE_TAG, "").partition(" ")
    if tagged == run.run_id:
        return now - float(beat) - SILENT_SECONDS
    return now - (record.start_time or now) - START_SECONDS


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """Has Dagster's run monitoring fail a run whose heartbeat stopped."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        record = self._instance.get_run_record_by_id(run.run_id)
        if record and seconds_silent(record, time.time()) > 0:
            return CheckRunHealthResult(
                WorkerStatus.FAILED, "its process no longer says that it is alive"
            )
        return CheckRunHealthResult(WorkerStatus.RUNNING)
