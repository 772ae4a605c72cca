"""Servers as plain processes, ended when their block is."""

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cab_assets.stack import ports


class Server:
    """A process that listens at a port; it can be killed and started again."""

    def __init__(self, start: "Callable[[], subprocess.Popen[bytes]]", port: int) -> None:
        self._start, self._port = start, port
        self.start()

    def start(self) -> None:
        """Its port is open when this returns."""
        self.process = self._start()
        try:
            await_port(self._port, self.process)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(command: list[str], port: int, log: Path, *, environment: Mapping[str, str] | None = None, **options: Any) -> Iterator[Server]:
    """At work, its port open, until the block ends."""
    with log.open("ab") as out:
        server = Server(lambda: subprocess.Popen(command, stdout=out, stderr=out, env=environment, **options), port)
        try:
            yield server
        finally:
            server.kill()


def run(command: list[str], **options: Any) -> None:
    """A program of a server's set-up; what it said is shown where it fails."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{ended.stdout}"


def free_ports(count: int) -> list[int]:
    """None of those that the kernel gives to outgoing connections, so that no connection takes one before its server starts, or while it restarts."""
    return [ports.free(port) for port in random.sample(range(20_000, 32_000, 10), count)]


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while not answers(port):
        assert process.poll() is None, "the server ended; see its log"
        assert time.monotonic() < deadline, "the server does not open its port"
        time.sleep(0.2)


def answers(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
