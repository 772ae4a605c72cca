"""A run that is told to end lets go of the source."""

import signal
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.days import import_days
from cab_assets.environment import Environment
from cab_assets_tests.patience import within
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source
from cab_assets_tests.sources.test_postgresql_locks import soon, uncommitted, waits_for_the_table
from cab_assets_tests.versions import bookings_days


class ToldToEnd(BaseException):
    """As Dagster's own is."""


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(ride("BK1", f"{DAY} 10:00:00"))
        yield made


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    def end(*_: object) -> None:
        raise ToldToEnd

    before = signal.signal(signal.SIGUSR1, end)
    yield
    signal.signal(signal.SIGUSR1, before)


def import_two(table: Source, tmp_path: Path) -> object:
    days = [str(DAY), "2020-09-02"]
    lake = Lake(f"file://{tmp_path}")
    return list(import_days(table.reader, bookings_days(lake, days), "run", at_once=2, say=print))


def look(table: Source, _: Path) -> object:
    return table.reader.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)


def sessions(table: Source) -> int:
    return len(table.sql("SELECT 1 FROM pg_stat_activity WHERE usename = %s", table.role))


@pytest.mark.parametrize("work", [import_two, look])
def test_a_run_that_is_told_to_end_leaves_the_source_within_seconds(
    table: Source, tmp_path: Path, work: Callable[[Source, Path], object]
) -> None:
    def tell() -> None:
        soon(lambda: waits_for_the_table(table))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    with uncommitted(table, ["LOCK TABLE {table}"]):
        threading.Thread(target=tell).start()
        with within(10), pytest.raises(ToldToEnd):
            work(table, tmp_path)
        soon(lambda: sessions(table) == 0)
