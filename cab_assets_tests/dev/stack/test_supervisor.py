"""How servers are kept up, shown with one that costs nothing to start."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from unittest.mock import MagicMock

import pytest

from cab_assets.dev.stack import config, home, lifecycle, ports, processes
from cab_assets.dev.stack.errors import ServerNotUp, SupervisorNotUp
from cab_assets.dev.stack.server import Server
from cab_assets.dev.stack.supervisor import USUAL_PORTS, Supervisor
from cab_assets_tests.patience import patience, until, within


class Sleeper(Server):
    name: ClassVar[str] = "sleeper"
    usual_ports: ClassVar[Mapping[str, int]] = {}
    waits_for: ClassVar[str] = "nothing"
    connection_errors: ClassVar[tuple[type[Exception], ...]] = ()
    start_retries: ClassVar[int] = 0

    def prepare(self) -> None:
        self.folder.mkdir()

    def command(self) -> list[str]:
        return ["sh", "-c", "echo 100% of $GREETING; exec sleep 1000"]

    def environment(self) -> dict[str, str]:
        return {"GREETING": "50% a, b"}

    def check(self) -> None: ...

    def variables(self) -> dict[str, str]:
        return {}


class Parent(Sleeper):
    def command(self) -> list[str]:
        return ["sh", "-c", "sleep 1000 & exec sleep 1000"]


class Broken(Sleeper):
    connection_errors: ClassVar[tuple[type[Exception], ...]] = (ConnectionError,)

    def command(self) -> list[str]:
        return ["sh", "-c", "echo no such disk; exit 1"]

    def check(self) -> None:
        raise ConnectionRefusedError


@contextmanager
def supervised(folder: Path, kind: type[Server]) -> Iterator[tuple[Supervisor, Server]]:
    home.make(folder)
    password = home.password(folder)
    with ports.claimed(folder, USUAL_PORTS) as chosen:
        server = kind(folder, chosen, password)
        supervisor = Supervisor(folder, chosen["supervisor"], password)
        server.prepare()
        supervisor.start(config.render(folder, [server], supervisor.port, password))
        try:
            yield supervisor, server
        finally:
            supervisor.stop()


def settled_pid(supervisor: Supervisor, other_than: int = 0) -> int:
    """Of a process that has become the server and is no longer a fork of its supervisor."""

    def settled() -> int:
        pid = int(supervisor.state("sleeper")["pid"])
        return (
            pid
            if pid not in (0, other_than) and Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
            else 0
        )

    return until(settled, 10, "the server starts")


def test_a_server_that_gives_up_ends_the_wait_at_once_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    with (
        within(10),
        supervised(tmp_path, Broken) as (supervisor, server),
        pytest.raises(ServerNotUp, match=r"(?s)ends repeatedly.*sleeper\.log:.*no such disk"),
    ):
        lifecycle.await_answer(server, supervisor, print)


def test_a_server_that_is_stopped_is_revived(tmp_path: Path) -> None:
    with supervised(tmp_path, Sleeper) as (supervisor, _):
        stopped = settled_pid(supervisor)
        supervisor._ask("stopProcess", "sleeper")
        supervisor.revive("sleeper")
        assert settled_pid(supervisor, other_than=stopped)


def test_a_server_killed_with_9_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, Sleeper) as (supervisor, _):
        killed = settled_pid(supervisor)
        time.sleep(1.2)  # one that ends within its first second counts as a failed start
        os.kill(killed, signal.SIGKILL)
        assert settled_pid(supervisor, other_than=killed)


def test_a_supervisor_killed_with_9_takes_its_servers_along(tmp_path: Path) -> None:
    with supervised(tmp_path, Sleeper) as (supervisor, _):
        leader = supervisor.pid
        assert leader is not None
        assert settled_pid(supervisor) in processes.of_session(leader, tmp_path)
        os.kill(leader, signal.SIGKILL)
        assert processes.await_end(leader, tmp_path, patience(5)) == []


def test_stop_ends_a_supervisor_and_server_that_do_not_react(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cab_assets.dev.stack.supervisor.STOP_SECONDS", 1)
    with supervised(tmp_path, Sleeper) as (supervisor, _):
        leader = supervisor.pid
        assert leader is not None
        processes.send([leader, settled_pid(supervisor)], signal.SIGSTOP)
        supervisor.stop()
        assert processes.of_session(leader, tmp_path) == []


def test_what_a_server_has_started_ends_with_it_and_need_not_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cab_assets.dev.stack.supervisor.STOP_SECONDS", 5)
    with supervised(tmp_path, Parent) as (supervisor, _):
        settled_pid(supervisor)
        with monkeypatch.context() as watched:
            send = MagicMock(wraps=processes.send)
            watched.setattr(processes, "send", send)
            supervisor.stop()
        assert [call.args[1] for call in send.call_args_list] == [signal.SIGTERM]


def test_a_folder_with_a_space_and_values_with_signs_reach_the_server_as_they_are(
    tmp_path: Path,
) -> None:
    with supervised(tmp_path / "my cab", Sleeper) as (supervisor, server):
        settled_pid(supervisor)
        supervisor.stop()
        assert server.log.read_text() == "100% of 50% a, b\n"


def test_an_error_of_the_supervisor_does_not_show_the_password(tmp_path: Path) -> None:
    with supervised(tmp_path, Sleeper) as (supervisor, _):
        settled_pid(supervisor)  # one that is still a fork ignores SIGTERM, and is waited for
        with pytest.raises(SupervisorNotUp) as refused:
            Supervisor(tmp_path, supervisor.port, "wrong-password").state("sleeper")
    assert "wrong-password" not in str(refused.value)
    assert "Unauthorized" in str(refused.value)
