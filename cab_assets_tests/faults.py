"""What goes wrong on purpose: processes killed or stopped at named moments."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cab_assets.dev.stack.stack import remembered
from cab_assets.dev.stack.status import ServerStatus, status
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.patience import patience, until
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.relay import Gate

COMMIT, PUBLISH, RETIRE = b"ADD PARTITION (batch", b"ADD IF NOT EXISTS", b"DROP IF EXISTS"
QUERY_STARTED, STAGING = (
    "clickstream_batches/_checkpoints/*/metadata",
    "clickstream_batches/*-0-0/_temporary",
)
COMMITTING, FOLDING = "clickstream_batches/*/_manifest.json", "clicks/.spark-staging-*"


def count(pipeline: Pipeline, pattern: str) -> int:
    return len(list(Path(pipeline.lake.root.removeprefix("file://")).glob(pattern)))


def await_more(
    pipeline: Pipeline, pattern: str, while_runs: "subprocess.Popen[str] | threading.Thread"
) -> None:
    """Until there is another file of that pattern, or the run is over."""
    before, deadline = count(pipeline, pattern), time.monotonic() + patience(120)
    while count(pipeline, pattern) == before and time.monotonic() < deadline:
        if (
            while_runs.is_alive()
            if isinstance(while_runs, threading.Thread)
            else while_runs.poll() is None
        ):
            time.sleep(0.001)
        else:
            return


def await_count(pipeline: Pipeline, pattern: str, files: int) -> None:
    until(lambda: count(pipeline, pattern) >= files, 90, f"{files} files {pattern}")


@contextmanager
def killed(
    clicks: Clicks, job: str = "clickstream_ingest", **variables: str
) -> Iterator["subprocess.Popen[str]"]:
    """A run that is killed at the end of the block, and is still at work then."""
    with clicks.start(job, stay=False, **variables) as run:
        try:
            yield run
        finally:
            run.kill()
            said = run.communicate()[0]
    assert run.returncode == -signal.SIGKILL, said


def kill_at_file(clicks: Clicks, pattern: str, job: str = "clickstream_ingest") -> None:
    with killed(clicks, job) as run:
        await_more(clicks.pipeline, pattern, run)


def kill_at_statement(
    clicks: Clicks, gate: Gate, job: str = "clickstream_ingest", **variables: str
) -> None:
    """The gate is entered by the caller: what it holds may still go on afterwards."""
    with killed(clicks, job, CAB_HIVE_URL=through(clicks, gate), **variables):
        assert gate.reached.wait(patience(60))


def gate(clicks: Clicks, words: bytes, *, carried_out: bool = False) -> Gate:
    """In front of HiveServer2."""
    return Gate(clicks.pipeline.hive.port, words, carried_out=carried_out)


def through(clicks: Clicks, gate: Gate) -> str:
    """HiveServer2 by way of a gate."""
    return f"hive://cab@127.0.0.1:{gate.port}/{clicks.pipeline.hive.database}"


def kill(pipeline: Pipeline, server: str) -> None:
    os.kill(pid_of(pipeline, server), signal.SIGKILL)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing, but is there, while the block lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def pid_of(pipeline: Pipeline, server: str) -> int:
    """As supervisord has it: having the servers answer takes longer than what is to be killed in
    the middle.
    """
    return int(remembered(pipeline.env.home).supervisor.state(server)["pid"])


def await_back(pipeline: Pipeline, server: str) -> None:
    until(lambda: _standing(pipeline, server).answers, 90, f"{server} answers")


def _standing(pipeline: Pipeline, server: str) -> ServerStatus:
    return next(each for each in status(pipeline.env.home) if each.name == server)
