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

# Time-out of a statement: well above the slowest one (an ADD of 90 partitions takes 3 s), and low
# enough that two time-outs take less than a minute
ANSWER_TIMEOUT_SECONDS = 20
# Statements in parallel: the metastore is not faster with more
CONNECTIONS = 4
# Partitions of one ALTER TABLE. The metastore applies more than 100 in parts, so it can fail when
# only some are done.
PARTITIONS_A_STATEMENT = 90

T = TypeVar("T")


# Thrift has no types
class TlsSocket(TSSLSocket):  # type: ignore[misc]
    """A socket that may be closed twice.

    After a failed TLS handshake it is closed already, and PyHive closes it again: Thrift's own
    close() would raise an error.
    """

    def close(self) -> None:
        if self.handle:
            super().close()


class Hive:
    """A client of HiveServer2. Its threads share a few connections, opened on first use."""

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
        # Tables and views that are known to have all declared columns
        self.declared: set[str] = set()
        self._idle: SimpleQueue[tuple[hive.Connection, TSocket]] = SimpleQueue()

    def execute(self, statement: str) -> list[Row]:
        """Return the rows of a statement.

        Raise HiveRefused or HiveUnavailable, which say why it failed.
        """
        with self._connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            # Not after an error: if the server hangs, this would wait for it again
            cursor.close()
            return rows

    def name(self, table: str) -> str:
        """Return the name of a table or view in statements."""
        return f"`{self.database}`.`{table}`"

    def side_by_side(self, ask: Callable[[str], T], values: Sequence[str]) -> list[T]:
        """Return the results of `ask` for each value; a few calls run in parallel."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(ask, values))

    @cached_property
    def is_apache(self) -> bool:
        """Return whether this is the HiveServer2 of Apache Hive, not of Spark.

        Query plans of Spark have no locations.
        """
        with self._connection() as connection:
            asked = ttypes.TGetInfoReq(connection.sessionHandle, ttypes.TGetInfoType.CLI_DBMS_NAME)
            return bool(connection.client.GetInfo(asked).infoValue.stringValue == "Apache Hive")

    def close(self) -> None:
        """Close the sockets without closing the sessions.

        The server ends a session whose client has disconnected, so there is no need to wait for a
        server that hangs.
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
        # PyHive has no setting for this, so it is changed for the whole process
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
                # The arguments are (text of GSS, code), (text of Kerberos, code)
                reason = error.args[-1][0]
                raise HiveRefused(
                    f"Kerberos rejected the login to {self._service}@{self.host} ({reason}); check"
                    " the tickets with `klist`, get one with `kinit`, then run again"
                ) from error
            raise

    def _sasl(self) -> PureSASLClient:
        if self._service and "GSSAPI" not in mechanisms:
            raise HiveRefused(
                "CAB_HIVE_URL requires Kerberos, but the package kerberos is not installed: see"
                " docs/howto/kerberos.md"
            )
        if self._service:
            # PyHive's client cannot sign or encrypt messages; TLS does that
            return PureSASLClient(self.host, service=self._service, qops=[QOP.AUTH])
        # A server that checks no passwords still requires one
        return PureSASLClient(self.host, username=self.user, password=self._password or "none")
