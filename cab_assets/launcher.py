"""Dagster's launcher of runs as processes of this machine, which also notices when such a process is gone.

Dagster's own cannot tell, so a run killed with -9 would stay "started" until its maximum time, and what waits for it would wait.
"""

import os
import socket

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus  # what a launcher answers with; not exported

PROCESS_TAG = "cab/process"


def here(run_id: str) -> str:
    """This process at that run: a pid alone is used again, and a retry inherits the tags of the run before."""
    return f"{run_id} {socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_gone(process: str, run_id: str) -> bool:
    """Whether the process of that run has ended; of one that did not tell, or is another machine's, nothing is known."""
    if not process:
        return False
    tagged_run, host, pid, started = process.split(" ")
    if (tagged_run, host) != (run_id, socket.gethostname()):
        return False
    try:
        found = psutil.Process(int(pid))
        return f"{found.create_time():.2f}" != started or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """Runs tell their process in a tag; one whose process is gone is reported as failed by Dagster's run monitoring."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if is_gone(process := run.tags.get(PROCESS_TAG, ""), run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its process ({process}) is gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
