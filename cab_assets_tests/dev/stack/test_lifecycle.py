import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from cab_assets import environment
from cab_assets.dev.stack import lifecycle, processes
from cab_assets.dev.stack.stack import SERVERS, remembered
from cab_assets.dev.stack.status import ServerStatus, status
from cab_assets.environment import Environment
from cab_assets_tests.patience import until


@pytest.fixture(scope="module")
def other_home() -> Iterator[Path]:
    """The home of a second stack; each test brings it up, or finds it up."""
    with tempfile.TemporaryDirectory(prefix="cab other ") as home:
        try:
            yield Path(home)
        finally:
            lifecycle.down(Path(home))


def standing(home: Path, name: str) -> ServerStatus:
    return next(each for each in status(home) if each.name == name)


def supervisor_pid(home: Path) -> int:
    pid = remembered(home).supervisor.pid
    assert pid is not None
    return pid


def running_with(text: str) -> list[int]:
    """The processes that have it in an argument."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if text in " ".join(process.info["cmdline"] or [])
    ]


def await_another(home: Path, name: str, than: int | None) -> ServerStatus:
    def back() -> ServerStatus | None:
        now = standing(home, name)
        return now if now.answers and now.pid != than else None

    found = until(back, 60, f"{name} is back")
    assert found
    return found


def test_a_second_up_changes_nothing(stack: Environment) -> None:
    before = {each.name: each.pid for each in status(stack.home)}
    lifecycle.up(stack.home, print)
    assert {each.name: each.pid for each in status(stack.home)} == before


def test_status_says_of_every_server_that_it_answers(stack: Environment) -> None:
    assert [(each.name, each.answers) for each in status(stack.home)] == [
        (server.name, True) for server in SERVERS
    ]


def test_the_pipeline_is_told_all_that_it_needs(stack: Environment) -> None:
    assert stack.ready() == stack


@pytest.mark.faults
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(server.name, marks=[pytest.mark.cold] if server.name == "warehouse" else [])
        for server in SERVERS
    ],
)
def test_a_server_killed_with_9_is_back_by_itself(stack: Environment, name: str) -> None:
    killed = standing(stack.home, name).pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert await_another(stack.home, name, than=killed).answers


def listening(pid: int) -> set[str]:
    """Return the addresses a process listens at: none for one that has just ended, as a session of
    PostgreSQL does.
    """
    with suppress(psutil.NoSuchProcess):
        sockets = psutil.Process(pid).net_connections("inet")
        return {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
    return set()


def test_only_loopback_is_listened_on(stack: Environment) -> None:
    pids = processes.of_session(supervisor_pid(stack.home), stack.home)
    hosts = set().union(*map(listening, pids))
    assert hosts <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert hosts


def test_the_password_is_in_no_argument_list_and_no_log(stack: Environment) -> None:
    password = stack.bookings_db_password
    assert password
    assert running_with(password) == []
    assert not [
        log
        for log in (stack.home / "logs").iterdir()
        if password in log.read_text(errors="replace")
    ]


def test_only_its_owner_reads_a_file_that_holds_the_password(stack: Environment) -> None:
    password = stack.bookings_db_password or "never"
    holding = {
        path.name: path.stat().st_mode & 0o777
        for path in stack.home.iterdir()
        if path.is_file() and password in path.read_text()
    }
    assert holding == {"stack.env": 0o600, "password": 0o600, "supervisord.conf": 0o600}


@pytest.mark.faults
def test_two_stacks_live_side_by_side(stack: Environment, other_home: Path) -> None:
    lifecycle.up(other_home, print)
    both = [*status(stack.home), *status(other_home)]
    ports = [port for each in both for port in each.ports.values()]
    assert all(each.answers for each in both)
    assert len(ports) == len(set(ports))


@pytest.mark.faults
def test_after_a_supervisor_killed_with_9_the_next_up_works_on_the_same_ports(
    other_home: Path,
) -> None:
    lifecycle.up(other_home, print)
    before = {each.name: each.ports for each in status(other_home)}
    os.kill(supervisor_pid(other_home), signal.SIGKILL)
    lifecycle.up(other_home, print)
    assert {each.name: each.ports for each in status(other_home) if each.answers} == before


@pytest.mark.faults
def test_down_leaves_no_process_and_keeps_the_data_until_it_is_wiped(other_home: Path) -> None:
    lifecycle.up(other_home, print)
    with connect(other_home) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    leader = supervisor_pid(other_home)
    lifecycle.down(other_home)
    assert running_with(str(other_home)) == []
    assert processes.of_session(leader, other_home) == []
    lifecycle.up(other_home, print)
    with connect(other_home) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    lifecycle.down(other_home, wipe=True)
    assert list(other_home.iterdir()) == []


def test_a_stack_that_is_down_does_not_answer_though_a_stranger_has_its_ports(
    stack: Environment, tmp_path: Path
) -> None:
    assert stack.ready()  # it may well have the usual ports
    assert [(each.state, each.answers) for each in status(tmp_path)] == [("STOPPED", False)] * len(
        SERVERS
    )


def test_down_where_nothing_runs_is_fine(tmp_path: Path) -> None:
    lifecycle.down(tmp_path)
    lifecycle.down(tmp_path / "never made")


def connect(home: Path) -> psycopg.Connection[tuple[int]]:
    at = environment.read({"CAB_HOME": str(home)})
    assert at.bookings_db_url
    return psycopg.connect(at.bookings_db_url, password=at.bookings_db_password, autocommit=True)
