"""Servers as plain processes, ended when their block is, and what they need to start."""

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from cab_assets.dev.stack import ports
from cab_assets_tests.patience import patience

START_SECONDS = 120


class Server:
    """A process that listens at a port; it can be killed and started again."""

    def __init__(
        self, start: "Callable[[], subprocess.Popen[bytes]]", port: int, log: Path
    ) -> None:
        self._start, self._port, self._log = start, port, log
        self.start()

    def start(self) -> None:
        """Its port is open when this returns."""
        self.process = self._start()
        try:
            self._await_port()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _await_port(self) -> None:
        deadline = time.monotonic() + patience(START_SECONDS)
        while not answers(self._port):
            assert self.process.poll() is None, (
                f"the server ended with {self.process.returncode}; {self._end_of_log()}"
            )
            assert time.monotonic() < deadline, (
                f"the server does not open its port; {self._end_of_log()}"
            )
            time.sleep(0.2)

    def _end_of_log(self) -> str:
        return f"the end of {self._log}:\n{self._log.read_text(errors='replace')[-4000:]}"


@contextmanager
def serving(
    command: list[str],
    port: int,
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Server]:
    """At work, its port open, until the block ends."""
    with log.open("ab") as out:
        server = Server(
            lambda: subprocess.Popen(command, stdout=out, stderr=out, env=environment, **options),
            port,
            log,
        )
        try:
            yield server
        finally:
            server.kill()


def run(command: list[str], **options: Any) -> None:
    """A program of a server's set-up; what it said is shown where it fails."""
    ended = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{ended.stdout}"


def free_ports(count: int) -> list[int]:
    """None of those that Linux gives to outgoing connections by itself, so that none of these takes
    one before its server starts, or while it restarts.
    """
    return [ports.free(port) for port in random.sample(range(20_000, 32_000, 10), count)]


def answers(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


SEEN: set[psutil.Process] = set()  # row readers, as long as they had a command line


def row_readers(of: int | None = None) -> list[psutil.Process]:
    """Return the children of a process, by default of ours, that read rows of MySQL."""
    return [each for each in psutil.Process(of).children() if _reads_rows(each)]


def _reads_rows(process: psutil.Process) -> bool:
    try:
        if "connectorx_process.py" not in " ".join(process.cmdline()):
            return False
    except psutil.ZombieProcess:  # which has no command line any more
        return process in SEEN
    SEEN.add(process)
    return True
