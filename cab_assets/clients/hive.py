"""HiveServer2 through PyHive."""

import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar
from urllib.parse import parse_qsl, urlparse

from puresasl import QOP
from puresasl.mechanisms import mechanisms
from pyhive import hive
from pyhive.exc import Error as PyHiveError
from pyhive.sasl_compat import PureSASLClient
from TCLIService import ttypes
from thrift.Thrift import TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TSSLSocket import TSSLSocket
from thrift_sasl import TSaslClientTransport

from cab_assets.clients.hive_errors import HiveRefused, named
from cab_assets.clients.hive_text import Row
from cab_assets.clients.hive_times import timestamp

# Time-out of a statement. The longest one, an ADD of 90 partitions, takes 3 s; a run that waits for
# two answers must not hang for a minute
ANSWER_TIMEOUT_SECONDS = 20
CONNECTIONS = 4  # statements side by side: more do not make the metastore faster
# Beyond 100 the metastore applies one ALTER in parts, and can fail half-way
PARTITIONS_A_STATEMENT = 90

T = TypeVar("T")


class TlsSocket(TSSLSocket):  # type: ignore[misc]  # Thrift has no types
    """A socket that may be closed twice.

    PyHive closes it after a failed TLS handshake, and then Thrift's own close would raise.
    """

    def close(self) -> None:
        if self.handle:
            super().close()


class Hive:
    """Run statements on HiveServer2, on a few connections that threads share.

    A connection is opened on first use.
    """

    def __init__(
        self,
        url: str,
        password: str | None = None,
        *,
        ca: Path | None = None,
        answer_seconds: int = ANSWER_TIMEOUT_SECONDS,
        lake: str | None = None,
    ) -> None:
        parts = urlparse(url)
        self.answer_seconds = answer_seconds
        self.host, self.port, self.user = (
            parts.hostname or "",
            parts.port or 10000,
            parts.username or "cab",
        )
        self.database = parts.path.strip("/")
        options = dict(parse_qsl(parts.query))
        self._service = (
            options.get("kerberos_service_name", "hive")
            if options.get("auth") == "KERBEROS"
            else None
        )
        self._password, self.ca, self.lake = password, ca, lake
        self.declared: set[str] = set()  # tables and views that were found to have all our columns
        self._idle: SimpleQueue[tuple[hive.Connection, TSocket]] = SimpleQueue()

    def execute(self, statement: str) -> list[Row]:
        """Return the rows of a statement.

        Raises HiveRefused or HiveUnavailable, which say which statement failed, and why.
        """
        with self._connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            cursor.close()  # not after an error: a server that hangs would be waited for twice
            return rows

    def name(self, table: str) -> str:
        """Return a table or view as a statement names it."""
        return f"`{self.database}`.`{table}`"

    def side_by_side(self, ask: Callable[[str], T], values: Sequence[str]) -> list[T]:
        """Return `ask` of each value, a few at once."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(ask, values))

    @cached_property
    def is_apache(self) -> bool:
        """Return whether it is Apache Hive's HiveServer2.

        The plans of Spark's name no locations.
        """
        with self._connection() as connection:
            asked = ttypes.TGetInfoReq(connection.sessionHandle, ttypes.TGetInfoType.CLI_DBMS_NAME)
            return bool(connection.client.GetInfo(asked).infoValue.stringValue == "Apache Hive")

    def close(self) -> None:
        """Close the connections.

        The server ends a session whose client is gone, and one that hangs is not waited for.
        """
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    @contextmanager
    def _connection(self) -> Iterator[hive.Connection]:
        """Lend an idle connection or a new one. Close a connection that raised an error."""
        try:
            try:
                connection, socket = self._idle.get_nowait()
            except Empty:
                connection, socket = self._open()
            try:
                yield connection
            except BaseException:
                socket.close()
                raise
            self._idle.put((connection, socket))
        except (PyHiveError, TException, OSError) as error:
            raise named(error, self) from None

    def _open(self) -> tuple[hive.Connection, TSocket]:
        socket = (
            TlsSocket(self.host, self.port, ssl_context=ssl.create_default_context(cafile=self.ca))
            if self.ca
            else TSocket(self.host, self.port)
        )
        socket.setTimeout(self.answer_seconds * 1000)
        # For the whole process: PyHive has no setting of its own
        hive.TYPES_CONVERTER["TIMESTAMP_TYPE"] = timestamp
        try:
            transport = TSaslClientTransport(
                self._sasl, "GSSAPI" if self._service else "PLAIN", socket
            )
            return (
                hive.Connection(
                    thrift_transport=transport, username=self.user, database=self.database
                ),
                socket,
            )
        except BaseException as error:
            socket.close()
            if type(error).__module__ == "kerberos":
                reason = error.args[-1][0]  # (GSS, its code), (Kerberos, its code)
                raise HiveRefused(
                    f"Kerberos does not let us speak to {self._service}@{self.host} ({reason}); see"
                    " `klist`, then `kinit`"
                ) from error
            raise

    def _sasl(self) -> PureSASLClient:
        if self._service and "GSSAPI" not in mechanisms:
            raise HiveRefused(
                "CAB_HIVE_URL asks for Kerberos, which takes the package kerberos beside this one:"
                " docs/servers.md#hiveserver2"
            )
        if self._service:
            # PyHive's client cannot sign or encrypt: TLS does
            return PureSASLClient(self.host, service=self._service, qops=[QOP.AUTH])
        # A server without passwords wants one all the same
        return PureSASLClient(self.host, username=self.user, password=self._password or "none")
