"""Whether a run is alive, as its own host, another host and the sensors see it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.launcher import WorkerStatus

from cab_assets import launcher
from cab_assets.defs.clickstream.sensors import active_run
from cab_assets.defs.resources import RESOURCES
from cab_assets.environment import CHECKOUT
from cab_assets.launcher import ALIVE_TAG, PROCESS_TAG, WatchfulRunLauncher, alive, is_gone
from cab_assets_tests.patience import patience, until
from cab_assets_tests.test_environment import CLUSTER

STARTED = dg.DagsterRunStatus.STARTED
CONTAINER = """
import socket, sys, time
import dagster as dg
from cab_assets import launcher

socket.gethostname = lambda: "container-of-before"
launcher.RENEWAL_SECONDS = 0.2
with dg.DagsterInstance.get() as instance, launcher.alive(instance, sys.argv[1]):
    print("alive", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """A Dagster that processes share."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def a_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job_name="clickstream_ingest", status=STARTED))


def now(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    found = instance.get_run_by_id(run.run_id)
    assert found
    return found


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    return WatchfulRunLauncher().check_run_worker_health(now(instance, run)).status


def comes(claim: Callable[[], bool]) -> bool:
    return until(claim, 30)


def test_a_run_of_a_container_that_is_gone_ends_wherever_it_is_looked_at(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "SILENT_SECONDS", patience(1.5))
    run = a_run(instance)
    command = [sys.executable, "-c", CONTAINER, run.run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=os.environ) as container:
        try:
            assert container.stdout
            assert container.stdout.readline() == "alive\n"
            first = now(instance, run).tags[ALIVE_TAG]
            assert comes(lambda: now(instance, run).tags[ALIVE_TAG] != first)
            assert now(instance, run).tags[PROCESS_TAG].split(" ")[1] == "container-of-before"
            assert health(instance, run) == WorkerStatus.RUNNING
            assert active_run(instance, "clickstream_ingest", set()) is not None
        finally:
            container.kill()
    assert comes(lambda: health(instance, run) == WorkerStatus.FAILED)
    assert active_run(instance, "clickstream_ingest", set()) is None


def test_a_process_of_this_host_that_was_killed_is_seen_at_once(instance: dg.DagsterInstance) -> None:
    run = a_run(instance)
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        started = f"{psutil.Process(process.pid).create_time():.2f}"
        told = {PROCESS_TAG: f"{run.run_id} {socket.gethostname()} {process.pid} {started}", ALIVE_TAG: f"{run.run_id} {time.time():.0f}"}
        instance.add_run_tags(run.run_id, told)
        assert health(instance, run) == WorkerStatus.RUNNING
        process.kill()
        process.wait()
        assert health(instance, run) == WorkerStatus.FAILED


def test_a_run_that_is_over_renews_nothing(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "RENEWAL_SECONDS", 0.01)
    run = a_run(instance)
    with alive(instance, run.run_id):
        assert health(instance, run) == WorkerStatus.RUNNING
    monkeypatch.setattr(launcher, "_now", lambda _: "written after the end")
    time.sleep(0.1)
    assert now(instance, run).tags[ALIVE_TAG] != "written after the end"


def test_a_storage_that_is_away_for_a_while_ends_no_run(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "RENEWAL_SECONDS", 0.01)
    run = a_run(instance)
    tried: list[str] = []

    def away(run_id: str, _: object) -> None:
        tried.append(run_id)
        raise ConnectionError("the storage is away")

    with monkeypatch.context() as outage, alive(instance, run.run_id):
        outage.setattr(instance, "add_run_tags", away)
        assert comes(lambda: len(tried) > 3)


@pytest.mark.parametrize(
    ("tags", "gone"),
    [
        ({}, False),  # it has not told yet
        ({PROCESS_TAG: "{run} elsewhere 7 1.00"}, False),  # of a version that renewed nothing
        ({PROCESS_TAG: "{run} elsewhere 7 1.00", ALIVE_TAG: "{run} {now}"}, False),
        ({PROCESS_TAG: "{run} elsewhere 7 1.00", ALIVE_TAG: "{run} {before}"}, True),
        ({PROCESS_TAG: "{run} elsewhere 7 1.00", ALIVE_TAG: "another {before}"}, False),  # a retry has the tags of the run before
        ({PROCESS_TAG: "another elsewhere 7 1.00", ALIVE_TAG: "another {before}"}, False),
        ({"cab/process": "{run} elsewhere 7 1.00", ALIVE_TAG: "{run} {before}"}, True),  # of an earlier version
        ({"cab/process": "{run} elsewhere 7 1.00", ALIVE_TAG: "{run} {now}"}, False),
    ],
)
def test_what_the_tags_of_a_run_of_another_host_say(tags: dict[str, str], gone: bool) -> None:
    run = dg.DagsterRun(job_name="clickstream_ingest", status=STARTED)
    known = {"run": run.run_id, "now": f"{time.time():.0f}", "before": f"{time.time() - launcher.SILENT_SECONDS - 1:.0f}"}
    assert is_gone(run.with_tags({name: said.format(**known) for name, said in tags.items()})) is gone


def test_every_run_of_ours_tells_that_it_is_alive(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (CLUSTER | {"CAB_HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)

    @dg.op(required_resource_keys={"environment"})
    def look(context: dg.OpExecutionContext) -> None:
        tags = now(context.instance, context.run).tags
        assert tags[PROCESS_TAG].split(" ")[2] == str(os.getpid())
        assert tags[ALIVE_TAG].split(" ")[0] == context.run_id

    @dg.job(resource_defs={"environment": RESOURCES["environment"]})
    def looking() -> None:
        look()

    assert looking.execute_in_process(instance=instance).success
