import time
from datetime import timedelta
from uuid import uuid4

import dagster as dg
import pytest

from cab_assets.defs.housekeeping import jobs
from cab_assets.store.collect import SUPERSEDED
from cab_assets.tables.bookings import BOOKINGS
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

DAY = "2020-07-01"
IMPORT = ["raw_bookings", "bookings"]


@pytest.fixture
def imported_twice(pipeline: Pipeline) -> Pipeline:
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    assert pipeline.run(DAY, assets=IMPORT).success
    pipeline.sql("UPDATE {table} SET trip_fare = 2.00")
    assert pipeline.run(DAY, assets=IMPORT).success
    return pipeline


def test_without_grace_only_what_is_visible_is_left_and_the_tables_are_the_same(
    imported_twice: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_VERSION_GRACE_DAYS", "0")
    old, new = imported_twice.versions(BOOKINGS, DAY)
    run = imported_twice.job("housekeeping")
    assert run.failure == ""
    assert f"deleted bookings/booking_date={DAY}/version={old} (" in run.log
    assert imported_twice.versions(BOOKINGS, DAY) == [new]
    assert imported_twice.in_hive(BOOKINGS, DAY) == imported_twice.in_source(BOOKINGS, DAY)


def test_within_the_grace_nothing_goes(imported_twice: Pipeline) -> None:
    versions = imported_twice.versions(BOOKINGS, DAY)
    assert imported_twice.job("housekeeping").failure == ""
    assert imported_twice.versions(BOOKINGS, DAY) == versions


def test_the_versions_of_an_active_run_stay(
    imported_twice: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_VERSION_GRACE_DAYS", "0")
    versions = imported_twice.versions(BOOKINGS, DAY)
    run_id = versions[0].split("-", 2)[2]
    imported_twice.instance.delete_run(run_id)
    imported_twice.instance.add_run(
        dg.DagsterRun(job_name="bookings_daily", run_id=run_id, status=dg.DagsterRunStatus.STARTED)
    )
    assert imported_twice.job("housekeeping").failure == ""
    assert imported_twice.versions(BOOKINGS, DAY) == versions


def test_old_runs_are_forgotten_but_for_those_that_materialized(
    imported_twice: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported_twice.sql("ALTER TABLE {table} DROP COLUMN cab_color")
    idle = imported_twice.run(DAY, assets=IMPORT).run_id
    time.sleep(0.1)
    monkeypatch.setattr(jobs, "timedelta", lambda _: timedelta(0))  # retention is told in days
    monkeypatch.setattr(jobs, "RUNS_AT_ONCE", 1)
    before = {run.run_id for run in imported_twice.instance.get_runs()}
    housekeeping = imported_twice.job("housekeeping").run_id
    assert {run.run_id for run in imported_twice.instance.get_runs()} == before - {idle} | {
        housekeeping
    }


def test_a_folder_that_cannot_be_deleted_fails_the_job_after_everything_else_was_done(
    imported_twice: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_VERSION_GRACE_DAYS", "0")
    old, _ = imported_twice.versions(BOOKINGS, DAY)
    folder = imported_twice.store(BOOKINGS).day(DAY).folder(old)
    # A mark that is a folder can neither be read nor written
    imported_twice.lake.files.create_dir(f"{folder}/{SUPERSEDED}")
    orphan = f"{CLICKSTREAM_BATCHES.name}/{uuid4()}-0-0"
    imported_twice.lake.files.create_dir(orphan)
    run = imported_twice.job("housekeeping")
    assert f"cannot write {folder}/{SUPERSEDED} in the lake" in run.failure
    assert f"deleted {orphan} (" in run.log
    assert "finished runs older than" in run.log
