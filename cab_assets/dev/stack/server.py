import importlib.metadata
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cab_assets.dev.stack.errors import ServerNotUp

# Lines of a server's log in an error
TAIL_LINES = 15
# Log format of the servers that run in a JVM
LOG_FORMAT = Path(__file__).parent / "log4j2.properties"


@dataclass(frozen=True)
class Server(ABC):
    """One server of the stack: its set-up, its command and its health check."""

    home: Path
    ports: Mapping[str, int]
    password: str

    name: ClassVar[str]
    usual_ports: ClassVar[Mapping[str, int]]
    waits_for: ClassVar[str]
    # The errors that its clients raise while it does not answer
    connection_errors: ClassVar[tuple[type[Exception], ...]]
    stop_signal: ClassVar[str] = "TERM"
    # A process that ends sooner counts as a failed start
    start_seconds: ClassVar[int] = 1
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
        """Create the server's files and folders if they are missing."""

    @abstractmethod
    def command(self) -> list[str]: ...

    def account(self) -> list[str]:
        """Return the prefix that runs the command as another user; empty if none is needed."""
        return []

    def environment(self) -> dict[str, str]:
        return {}

    def run(self, command: list[str], stdin: str = "") -> None:
        """Run a program of the server's set-up as the server's user, and log its output."""
        with self.log.open("a") as log:
            ended = subprocess.run(
                [*self.account(), *command], input=stdin, stdout=log, stderr=log, text=True
            )
        if ended.returncode != 0:
            raise self.failed(
                f"cannot be set up: {Path(command[0]).name} ended with {ended.returncode}"
            )

    @abstractmethod
    def check(self) -> None:
        """Run a small real request. Raise one of `connection_errors` if the server does not answer.

        It also creates the database or topic that the pipeline needs, if it is missing.
        """

    def connection_error(self) -> Exception | None:
        """Return the error of the health check; None if the server answers."""
        try:
            self.check()
        except self.connection_errors as error:
            return error
        return None

    @abstractmethod
    def variables(self) -> dict[str, str]:
        """Return the pipeline's variables with the address of this server."""

    def failed(self, how: str) -> ServerNotUp:
        """Return an error with the end of the server's log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        tail = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        return ServerNotUp(f"{self.name} {how}. The end of its log, {self.log}:\n{tail}")


def packaged(distribution: str, path: str) -> str:
    """Return the path of a file of an installed distribution, found without importing it."""
    return str(importlib.metadata.distribution(distribution).locate_file(path))
