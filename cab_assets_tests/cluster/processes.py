"""Servers as plain processes, ended when their block is."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cab_assets_tests.secure_kafka import await_port


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


def hadoop_site(path: Path, settings: Mapping[str, object]) -> None:
    """A file of settings as Hadoop and Hive read them."""
    properties = "".join(f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
    path.write_text(f"<configuration>{properties}</configuration>")
