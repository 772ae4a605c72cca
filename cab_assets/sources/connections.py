"""Connections to a database, which end what the server does for them when they are let go."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from cab_assets.sources.dialect import Dialect
from cab_assets.sources.row_processes import RowProcesses


@dataclass(frozen=True)
class Connections:
    """Connections of one program to a database. Several threads may use them, each its own."""

    dialect: Dialect
    processes: RowProcesses = field(default_factory=RowProcesses, init=False)
    _open: set[Any] = field(default_factory=set, init=False)

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Open a connection; an error of the driver is raised by name."""
        try:
            with (
                closing(self._connect()) as connection,
                self._cancelled(connection),
                connection.cursor() as cursor,
            ):
                yield cursor
        except self.dialect.errors as error:
            raise self.dialect.failure(error) from None

    def let_go(self) -> None:
        """End what processes and connections do for other threads; the server frees their locks."""
        connections = list(self._open)  # a thread whose process is killed closes its own
        self.processes.kill()
        for connection in connections:
            self.dialect.cancel(connection)

    @contextmanager
    def _cancelled(self, connection: Any) -> Iterator[None]:
        """End its statement when this thread is told to end: the server would go on with it."""
        self._open.add(connection)
        try:
            yield
        except BaseException as error:
            if not isinstance(error, Exception):
                self.dialect.cancel(connection)
            raise
        finally:
            self._open.discard(connection)

    def _connect(self) -> Any:
        try:
            return self.dialect.connect()
        except self.dialect.errors as error:
            if not (self.dialect.is_wrong_password(error) and self.dialect.password.renew()):
                raise
            return self.dialect.connect()
