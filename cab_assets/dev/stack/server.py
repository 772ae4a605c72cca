import importlib.metadata
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cab_assets.dev.stack.errors import ServerNotUp

TAIL_LINES = 15
LOG_FORMAT = Path(__file__).parent / "log4j2.properties"  # of those that are JVMs


@dataclass(frozen=True)
class Server(ABC):
    """One server of the stack: what it is started with, and how it shows that it answers."""

    home: Path
    ports: Mapping[str, int]
    password: str

    name: ClassVar[str]
    usual_ports: ClassVar[Mapping[str, int]]
    waits_for: ClassVar[str]
    # What its clients raise while it does not answer
    refusals: ClassVar[tuple[type[Exception], ...]]
    stop_signal: ClassVar[str] = "TERM"
    start_seconds: ClassVar[int] = 1  # one that ends sooner counts as a failed start
    start_retries: ClassVar[int]

    @property
    def folder(self) -> Path:
        return self.home / self.name

    @property
    def own_ports(self) -> dict[str, int]:
        return {name: self.ports[name] for name in self.usual_ports}

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    @abstractmethod
    def prepare(self) -> None:
        """Make what it needs on disk, unless that is there already."""

    @abstractmethod
    def command(self) -> list[str]: ...

    def account(self) -> list[str]:
        """Return the command in front that runs a server under another account, if any."""
        return []

    def environment(self) -> dict[str, str]:
        return {}

    def run(self, command: list[str], stdin: str = "") -> None:
        """Run a program of the server's set-up under its account, and log its output."""
        with self.log.open("a") as log:
            ended = subprocess.run(
                [*self.account(), *command], input=stdin, stdout=log, stderr=log, text=True
            )
        if ended.returncode != 0:
            raise self.failed(
                f"cannot be set up: {Path(command[0]).name} ended with {ended.returncode}"
            )

    @abstractmethod
    def ask(self) -> None:
        """Have the server do a little real work; raise one of `refusals` if it does not."""

    def refusal(self) -> Exception | None:
        """Return why it does not answer; None if it does."""
        try:
            self.ask()
        except self.refusals as error:
            return error
        return None

    @abstractmethod
    def variables(self) -> dict[str, str]:
        """Return the pipeline's variables that lead to this server."""

    def failed(self, how: str) -> ServerNotUp:
        """Return the error that says so, with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        tail = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        return ServerNotUp(f"{self.name} {how}. The end of its log, {self.log}:\n{tail}")


def packaged(distribution: str, path: str) -> str:
    """Return the path of a file of an installed distribution, found without importing it."""
    return str(importlib.metadata.distribution(distribution).locate_file(path))
