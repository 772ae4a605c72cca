"""Servers as plain processes, ended when their block is."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cab_assets_tests.secure_kafka import await_port


@contextmanager
def serving(command: list[str], port: int, log: Path, *, environment: Mapping[str, str] | None = None, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """At work, its port open, until the block ends."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment, **options) as process:
        try:
            await_port(port, process)
            yield process
        finally:
            process.kill()


def hadoop_site(path: Path, settings: Mapping[str, object]) -> None:
    """A file of settings as Hadoop and Hive read them."""
    properties = "".join(f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
    path.write_text(f"<configuration>{properties}</configuration>")
