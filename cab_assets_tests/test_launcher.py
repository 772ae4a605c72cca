"""Whether a run is alive, as run monitoring sees it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from cab_assets import launcher
from cab_assets.defs.resources import RESOURCES
from cab_assets.launcher import ALIVE_TAG, WatchfulRunLauncher, alive, seconds_silent
from cab_assets.settings import CHECKOUT
from cab_assets_tests.patience import patience, until
from cab_assets_tests.test_environment import CLUSTER

STARTED = dg.DagsterRunStatus.STARTED
CONTAINER = """
import sys, time
import dagster as dg
from cab_assets import launcher

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
    launcher = WatchfulRunLauncher()
    launcher.register_instance(instance)
    return launcher.check_run_worker_health(now(instance, run)).status


def comes(claim: Callable[[], bool]) -> bool:
    return until(claim, 30)


def test_a_run_of_a_container_that_is_gone_ends_wherever_it_is_looked_at(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "SILENT_SECONDS", patience(1.5))
    run = a_run(instance)
    command = [sys.executable, "-c", CONTAINER, run.run_id]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=os.environ
    ) as container:
        try:
            assert container.stdout
            assert container.stdout.readline() == "alive\n"
            first = now(instance, run).tags[ALIVE_TAG]
            assert comes(lambda: now(instance, run).tags[ALIVE_TAG] != first)
            assert health(instance, run) == WorkerStatus.RUNNING
        finally:
            container.kill()
    assert comes(lambda: health(instance, run) == WorkerStatus.FAILED)


def test_a_run_that_is_over_renews_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "RENEWAL_SECONDS", 0.01)
    run = a_run(instance)
    with alive(instance, run.run_id):
        assert health(instance, run) == WorkerStatus.RUNNING
    monkeypatch.setattr(instance, "add_run_tags", None)
    told = now(instance, run).tags[ALIVE_TAG]
    time.sleep(0.1)
    assert now(instance, run).tags[ALIVE_TAG] == told


def test_a_storage_that_is_away_for_a_while_ends_no_run(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    ("beat", "started", "overdue"),
    [
        (None, 119, -1),  # it has not started its heartbeat yet
        (None, 121, 1),
        ("{run} 44", 300, -1),
        ("{run} 46", 300, 1),
        ("another 46", 119, -1),  # a retry has the tags of the run before
        ("another 46", 121, 1),
    ],
)
def test_a_heartbeat_is_overdue_when_it_stopped_or_never_came(
    beat: str | None, started: float, overdue: float
) -> None:
    """Each number is seconds ago."""
    clock = 1_000_000.0
    run = dg.DagsterRun(job_name="clickstream_ingest", status=STARTED)
    if beat:
        whose, seconds = beat.format(run=run.run_id).split(" ")
        run = run.with_tags({ALIVE_TAG: f"{whose} {clock - float(seconds):.0f}"})
    times = datetime.now(UTC)
    record = dg.RunRecord(1, run, times, times, start_time=clock - started)
    assert seconds_silent(record, clock) == overdue


def test_every_run_has_a_heartbeat(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (CLUSTER | {"CAB_HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)

    @dg.op(required_resource_keys={"environment"})
    def look(context: dg.OpExecutionContext) -> None:
        tags = now(context.instance, context.run).tags
        assert tags[ALIVE_TAG].split(" ")[0] == context.run_id

    @dg.job(resource_defs={"environment": RESOURCES["environment"]})
    def looking() -> None:
        look()

    assert looking.execute_in_process(instance=instance).success
