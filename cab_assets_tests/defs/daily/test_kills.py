"""A run, a server, killed with -9: a plain run afterwards finds everything in order."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from cab_assets.daily.import_day import import_day
from cab_assets.dev.sample.load import load_days
from cab_assets.sources.failures import BookingsDbUnavailable
from cab_assets.store.collect import collect
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets_tests.faults import await_back, await_more, count, kill
from cab_assets_tests.patience import patience, within
from cab_assets_tests.pipeline import TABLES, Pipeline

pytestmark = pytest.mark.faults
START = date(2020, 8, 1)
DAYS = [(START + timedelta(each)).isoformat() for each in range(4)]


MOMENTS = [  # a first file of these is there
    "bookings/*/version=*",
    "bookings/*/*/*.parquet",
    "bookings/*/*/_manifest.json",
    "booking_aggregates/*/*",
    "booking_aggregates/*/*/_manifest.json",
]


@pytest.fixture
def loaded(pipeline: Pipeline) -> Pipeline:
    load_days(pipeline.env, START, len(DAYS), 500, 7, print)
    return pipeline


def start(pipeline: Pipeline) -> "subprocess.Popen[str]":
    command = pipeline.command(DAYS[0], DAYS[-1])
    return subprocess.Popen(
        command,
        env=pipeline.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_run_killed_at_any_moment_leaves_nothing_that_the_next_does_not_put_right(
    loaded: Pipeline,
) -> None:
    for moment in MOMENTS:
        loaded.sql("UPDATE {table} SET trip_fare = trip_fare + 0.01")
        with start(loaded) as run:
            await_more(loaded, moment, run)
            os.killpg(run.pid, signal.SIGKILL)
        assert run.returncode == -signal.SIGKILL, moment
    assert loaded.run(DAYS[0], DAYS[-1]).failure == ""
    loaded.is_like_source(*DAYS)
    leaves_no_orphan(loaded)


def leaves_no_orphan(pipeline: Pipeline) -> None:
    """What the kills left goes at the next collection, and what is visible stays."""
    for table in TABLES:
        list(
            collect(
                pipeline.store(table), grace=timedelta(0), now=datetime.now(UTC), active_runs=()
            )
        )
        assert [len(pipeline.versions(table, day)) for day in DAYS] == [1] * len(DAYS)
    pipeline.is_like_source(*DAYS)


def test_a_database_killed_during_an_import_is_an_error_of_the_day_and_no_version(
    pipeline: Pipeline,
) -> None:
    load_days(pipeline.env, START, 1, 200_000, 7, print)
    caught: list[BaseException] = []
    importing = threading.Thread(
        target=lambda: caught.extend(
            errors(
                lambda: import_day(pipeline.db, pipeline.store(BOOKINGS).day(str(START)), "killed")
            )
        )
    )
    importing.start()
    await_more(pipeline, "bookings/*/version=*", importing)
    kill(pipeline, "postgres")
    importing.join(patience(60))
    assert [type(error) for error in caught] == [BookingsDbUnavailable]
    assert "check the server with `cab doctor`, then run again" in str(caught[0])
    assert str(pipeline.env.bookings_db_password) not in str(caught[0])
    assert count(pipeline, "bookings/*/*/_manifest.json") == 0
    await_back(pipeline, "postgres")
    assert (
        import_day(pipeline.db, pipeline.store(BOOKINGS).day(str(START)), "after").manifest.rows
        == 200_000
    )


def errors(work: Callable[[], object]) -> Iterator[BaseException]:
    try:
        work()
    except BaseException as error:  # noqa: BLE001
        yield error


@pytest.mark.cold
def test_a_warehouse_killed_during_a_run_fails_it_in_time_and_the_next_run_heals(
    loaded: Pipeline,
) -> None:
    with start(loaded) as run:
        await_more(loaded, "bookings/*/*/_manifest.json", run)
        kill(loaded, "warehouse")
        with within(60):
            said = run.communicate(timeout=patience(120))[0]
    assert run.returncode == 1, said
    assert "does not answer" in said or "cannot be reached" in said or "Spark at" in said
    assert str(loaded.env.bookings_db_password) not in said
    await_back(loaded, "warehouse")
    assert loaded.execute(DAYS[0], DAYS[-1]).returncode == 0
    loaded.hive.close()
    loaded.is_like_source(*DAYS)


def test_two_runs_of_a_day_at_once_end_at_what_was_read_later(loaded: Pipeline) -> None:
    loaded.sql("UPDATE {table} SET trip_fare = 1.00")
    with start(loaded) as first:
        await_more(loaded, "bookings/*/version=*", first)
        loaded.sql("UPDATE {table} SET trip_fare = 2.00")
        with start(loaded) as second:
            said = [run.communicate(timeout=patience(200))[0] for run in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    loaded.is_like_source(*DAYS)
    assert {str(row[11]) for row in loaded.in_hive(BOOKINGS, *DAYS)} == {"2.00"}
    assert {
        manifest.made_from["bookings"]
        for manifest in loaded.manifests(BOOKING_AGGREGATES, *DAYS).values()
    } == {manifest.version for manifest in loaded.manifests(BOOKINGS, *DAYS).values()}
