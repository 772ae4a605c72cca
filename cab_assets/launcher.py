"""Dagster's launcher of runs as processes, which also notices when such a process is gone.

Dagster's own cannot tell, so a run killed with -9 would stay "started" until its maximum time, and what waits for it would wait.
On the run's own host its process is looked for. Everywhere else, a run counts as alive while it renews a tag.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus  # what a launcher answers with; not exported

# Dagster's web interface does not show tags with this prefix.
PROCESS_TAG = ".dagster/cab_process"  # the run, its host, its pid, and when that process started
ALIVE_TAG = ".dagster/cab_alive"  # the run, and when it last said so, in seconds since 1970
RENEWAL_SECONDS = 10.0  # a renewal is three small statements on Dagster's own storage
SILENT_SECONDS = 45.0  # four renewals that did not come; the hosts' clocks may differ by half of this
LOG = logging.getLogger(__name__)


def here(run_id: str) -> str:
    """This process at that run: a pid alone is used again, and a retry inherits the tags of the run before."""
    return f"{run_id} {socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Let the run tell which process it is, and that it is alive while the block lasts."""
    over = threading.Event()
    instance.add_run_tags(run_id, {PROCESS_TAG: here(run_id), ALIVE_TAG: _now(run_id)})
    renewing = threading.Thread(target=_renew, args=(instance, run_id, over), name=f"alive-{run_id}", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join(RENEWAL_SECONDS)


def _renew(instance: dg.DagsterInstance, run_id: str, over: threading.Event) -> None:
    while not over.wait(RENEWAL_SECONDS):
        try:
            instance.add_run_tags(run_id, {ALIVE_TAG: _now(run_id)})
        except Exception as error:  # noqa: BLE001  whatever Dagster's storage has, the run goes on and renews when it is back
            LOG.warning("run %s could not say that it is alive: %s", run_id, error)


def _now(run_id: str) -> str:
    return f"{run_id} {time.time():.0f}"


def is_gone(run: dg.DagsterRun) -> bool:
    """Whether the process of a run has ended; of one that tells nothing, nothing is known."""
    tagged_run, _, process = run.tags.get(PROCESS_TAG, "").partition(" ")
    if tagged_run != run.run_id:
        return _is_silent(run)  # a run of an earlier version tells its process by another tag
    host, pid, started = process.split(" ")
    return _has_ended(int(pid), started) if host == socket.gethostname() else _is_silent(run)


def _has_ended(pid: int, started: str) -> bool:
    try:
        found = psutil.Process(pid)
        return f"{found.create_time():.2f}" != started or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _is_silent(run: dg.DagsterRun) -> bool:
    tagged_run, _, said = run.tags.get(ALIVE_TAG, "").partition(" ")
    return tagged_run == run.run_id and time.time() - float(said) > SILENT_SECONDS


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """A run whose process is gone is reported as failed by Dagster's run monitoring."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if is_gone(run):
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its process ({run.tags.get(PROCESS_TAG, 'unknown')}) is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
