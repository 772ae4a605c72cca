"""Connections to a database. An interrupted connection also ends its statement in the server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from cab_assets.sources.dialect import Dialect
from cab_assets.sources.row_processes import RowProcesses


@dataclass(frozen=True)
class Connections:
    """The connections of this process to a database. Each thread opens one of its own."""

    dialect: Dialect
    processes: RowProcesses = field(default_factory=RowProcesses, init=False)
    _open: set[Any] = field(default_factory=set, init=False)

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend a cursor of a new connection. Convert the driver's errors to the pipeline's."""
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
        """End all reader processes and all running statements, so that the server frees locks."""
        # Copied first: a thread whose process is killed removes its own connection from the set
        connections = list(self._open)
        self.processes.kill()
        for connection in connections:
            self.dialect.cancel(connection)

    @contextmanager
    def _cancelled(self, connection: Any) -> Iterator[None]:
        """Cancel its statement if this thread is interrupted: the server would continue it."""
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
        password = self.dialect.password
        tried = password.text
        try:
            return self.dialect.connect()
        except self.dialect.errors as error:
            if not (self.dialect.is_wrong_password(error) and password.renew(tried)):
                raise
            return self.dialect.connect()
