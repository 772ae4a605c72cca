"""A source that hiccups: the day is imported again within the run."""

import signal
import threading
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from typing import Any

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily import retries
from cab_assets.daily.days import import_days
from cab_assets.daily.import_day import ImportedDay
from cab_assets.environment import Environment
from cab_assets.sources import postgresql, postgresql_session
from cab_assets.sources.failures import BookingsDbUnavailable
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets_tests.patience import within
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source
from cab_assets_tests.sources.test_postgresql_interrupts import ToldToEnd, told  # noqa: F401
from cab_assets_tests.versions import bookings_day, bookings_days

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
Terminating = Callable[[int], None]


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(ride("BK1", f"{DAY} 10:00:00"))
        yield made


@pytest.fixture
def terminating(table: Source, monkeypatch: pytest.MonkeyPatch) -> Terminating:
    """Have the server end the connections of so many imports."""
    monkeypatch.setattr(retries, "PAUSES", (0.1, 0.2, 0.3))
    whole = SourceDay.slices

    def times(attempts: int) -> None:
        left = iter(range(attempts))

        def slices(day: SourceDay) -> Iterator[Slice]:
            if (number := next(left, None)) is not None:
                table.sql(TERMINATE, table.role)
                table.insert(ride(f"BK1{number}", f"{DAY} 11:00:00"))
            return whole(day)

        monkeypatch.setattr(SourceDay, "slices", slices)

    return times


def test_a_day_whose_connections_break_is_imported_again_in_a_new_snapshot(
    table: Source, terminating: Terminating, lake: Lake
) -> None:
    said: list[str] = []
    terminating(1)
    ((day, outcome),) = import_days(
        table.reader, bookings_days(lake, [str(DAY)]), "run", at_once=2, say=said.append
    )
    assert isinstance(outcome, ImportedDay), outcome
    assert (day, outcome.manifest.rows) == (str(DAY), 1 + 1)
    assert bookings_day(lake, day).newest() == outcome.manifest
    (line,) = said
    assert line.startswith(f"{DAY}: retry 1 of 3 follows in 0.1 s, after postgresql://")
    assert "terminating connection" in line
    assert "PASSWORD" not in line


def test_a_day_whose_connections_always_break_ends_with_that_error(
    table: Source, terminating: Terminating, lake: Lake
) -> None:
    said: list[str] = []
    terminating(9)
    ((_, outcome),) = import_days(
        table.reader, bookings_days(lake, [str(DAY)]), "run", at_once=1, say=said.append
    )
    assert isinstance(outcome, BookingsDbUnavailable), outcome
    assert [line.split(",")[0] for line in said] == [
        f"{DAY}: retry {number} of 3 follows in 0.{number} s" for number in (1, 2, 3)
    ]


def test_a_day_whose_shared_snapshot_is_lost_is_imported_again(
    table: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    numbers = count(1)

    def lock(cursor: Any, name: str) -> None:
        postgresql_session.lock(cursor, name)
        if next(numbers) == 2:  # that of the connection that shares its snapshot
            table.sql("SELECT pg_terminate_backend(%s, 5000)", cursor.connection.info.backend_pid)

    monkeypatch.setattr(postgresql, "lock", lock)
    said: list[str] = []
    ((_, outcome),) = import_days(
        table.reader, bookings_days(lake, [str(DAY)]), "run", at_once=1, say=said.append
    )
    assert isinstance(outcome, ImportedDay), outcome
    assert "snapshot" in said[0]


def test_a_run_logs_its_retries_and_is_green(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    whole, left = SourceDay.control_totals, iter(range(1))

    def control(day: SourceDay) -> object:
        if next(left, None) is not None:
            with day.cursors.lend() as cursor:
                pid = cursor.connection.info.backend_pid
                pipeline.sql("SELECT pg_terminate_backend(%s, 5000)", pid)
                cursor.execute("SELECT 1")
        return whole(day)

    monkeypatch.setattr(SourceDay, "control_totals", control)
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    run = pipeline.run(str(DAY))
    assert run.failure == ""
    assert f"{DAY}: retry 1 of 1 follows in 0.1 s, after postgresql://" in run.log


def test_a_run_that_is_told_to_end_waits_for_no_retry(
    table: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(type(table.reader)):  # type: ignore[misc]
        def day(self, day: date) -> None:
            raise BookingsDbUnavailable(f"{day} gone")

    def tell(_: str) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    monkeypatch.setattr(retries, "PAUSES", (3600,))
    gone = Gone(table.reader.dialect, table.table)
    with within(5), pytest.raises(ToldToEnd):
        list(import_days(gone, bookings_days(lake, [str(DAY)]), "run", at_once=1, say=tell))


@pytest.fixture
def lake(tmp_path: object) -> Lake:
    return Lake(f"file://{tmp_path}")
