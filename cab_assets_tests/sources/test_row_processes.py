"""Rows are read in processes that end at any moment, hold nothing up and outlive nobody."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from cab_assets.clients.password import given
from cab_assets.sources.connectorx_rows import read
from cab_assets.sources.dialect import Snapshot
from cab_assets.sources.failures import BookingsDbUnavailable
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.row_processes import ProcessEnded, ReadingFailed, RowProcess, RowProcesses
from cab_assets_tests.patience import patience, until, within
from cab_assets_tests.processes import row_readers

ROWS = 20_000
PARENT = """
import sys
from cab_assets.sources.row_processes import RowProcess
process = RowProcess()
print("started", flush=True)
list(process.read({"conn": sys.argv[1], "query": "SELECT 1"})) if sys.argv[1:] else input()
"""


class ToldToEnd(BaseException):
    """As Dagster's own is."""


@pytest.fixture
def rides(tmp_path: Path) -> str:
    """Return the address of a database of 20,000 rows."""
    with closing(sqlite3.connect(tmp_path / "rides")) as connection, connection:
        connection.execute("CREATE TABLE rides (number integer)")
        connection.executemany(
            "INSERT INTO rides VALUES (?)", ((number,) for number in range(ROWS))
        )
    return f"sqlite://{tmp_path}/rides"


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"mysql://cab:hunter2@127.0.0.1:{server.getsockname()[1]}/rides?prefer_socket=false"


def numbers(process: RowProcess, rides: str, rows: int = ROWS) -> list[int]:
    request = {
        "conn": rides,
        "query": f"SELECT number FROM rides LIMIT {rows}",
        "batch_size": 1_000,
    }
    return [number for batch in process.read(request) for number in batch["number"].to_pylist()]


def test_a_process_gives_the_rows_of_one_request_after_another(rides: str) -> None:
    with RowProcesses().lend() as process:
        assert numbers(process, rides) == list(range(ROWS))
        assert numbers(process, rides, 0) == []
        assert numbers(process, rides, 5) == list(range(5))


def test_a_process_that_tells_of_an_error_can_be_asked_again(rides: str) -> None:
    with RowProcesses().lend() as process:
        with pytest.raises(ReadingFailed, match="no such table: no_table"):
            list(process.read({"conn": rides, "query": "SELECT number FROM no_table"}))
        assert numbers(process, rides, 5) == list(range(5))


def test_processes_are_kept_for_those_who_read_next_and_then_ended(rides: str) -> None:
    processes = RowProcesses()
    with processes.kept():
        with processes.lend() as first, processes.lend() as other:
            assert numbers(first, rides) == numbers(other, rides)
            other.kill()
        with processes.lend() as second:
            assert second is first
            assert numbers(second, rides, 5) == list(range(5))
    assert row_readers() == []


def leave_half_read(process: RowProcess, rides: str) -> None:
    next(process.read({"conn": rides, "query": "SELECT number FROM rides", "batch_size": 100}))


def raise_after_some_rows(process: RowProcess, rides: str) -> None:
    leave_half_read(process, rides)
    raise ToldToEnd


@pytest.mark.parametrize("work", [numbers, leave_half_read, raise_after_some_rows])
def test_no_process_is_left_whatever_becomes_of_its_rows(rides: str, work: Any) -> None:
    with suppress(ToldToEnd), RowProcesses().lend() as process:
        work(process, rides)
    assert row_readers() == []


@contextmanager
def waiting(processes: RowProcesses, silent: str) -> Iterator[list[Exception]]:
    """Wait in a thread for rows that never come.

    What it gets is in the list when the block is over.
    """
    told: list[Exception] = []

    def wait() -> None:
        dialect = MySQL(silent, given("hunter2"))
        with processes.lend() as process:
            try:
                list(read(dialect, Snapshot(datetime.now(UTC), []), process, "SELECT 1"))
            except Exception as error:  # noqa: BLE001
                told.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: any(each.net_connections() for each in row_readers()), 10)
    try:
        yield told
    finally:
        with within(2):
            thread.join()


def test_other_threads_run_while_rows_are_waited_for(silent: str) -> None:
    processes = RowProcesses()
    with waiting(processes, silent) as told:
        time.sleep(1)  # what waits holds up this thread, or it does not
        assert told == []
        processes.kill()
    assert len(told) == 1
    assert row_readers() == []


def test_a_process_that_the_system_kills_is_told_as_such_and_passes(silent: str) -> None:
    with waiting(RowProcesses(), silent) as told:
        for each in row_readers():
            each.kill()
    (error,) = told
    assert isinstance(error, BookingsDbUnavailable)
    assert (
        "the process that read the rows was killed (SIGKILL); the system does this when it runs out"
        " of memory" in str(error)
    )


def test_a_process_that_ends_by_itself_says_how(rides: str) -> None:
    with RowProcesses().lend() as process:
        (child,) = until(row_readers, 10)  # a process that has just begun has no command line yet
        child.terminate()
        with pytest.raises(ProcessEnded, match="SIGTERM"):
            numbers(process, rides)


def test_a_thread_that_is_told_to_end_does_not_wait_for_rows(silent: str) -> None:
    def end(*_: object) -> None:
        raise ToldToEnd

    def tell() -> None:
        until(lambda: any(each.net_connections() for each in row_readers()), 10)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    teller = threading.Thread(target=tell)
    try:
        teller.start()
        with within(10), pytest.raises(ToldToEnd), RowProcesses().lend() as process:
            list(process.read({"conn": silent, "query": "SELECT 1"}))
    finally:
        signal.signal(signal.SIGUSR1, before)
    teller.join(patience(1))
    assert row_readers() == []


@pytest.mark.parametrize(
    "reads", [True, False], ids=["while it reads", "while it waits for a request"]
)
def test_a_process_does_not_outlive_its_parent(silent: str, reads: bool) -> None:
    command = [sys.executable, "-c", PARENT, *([silent] if reads else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"started\n"
        until(
            lambda: any(each.net_connections() for each in row_readers(parent.pid)) or not reads, 10
        )
        (child,) = row_readers(parent.pid)
        parent.kill()
        # ConnectorX gives up after 30
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 2)
