"""HiveServer2 through PyHive: partitions and where they point."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
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

from cab_assets.clients.failures import Refused, failure
from cab_assets.clients.hive_columns import declared, described, lacking
from cab_assets.clients.hive_text import Row, normal_url, not_a_uri, planned_locations, quoted, said
from cab_assets.clients.hive_times import timestamp
from cab_assets.errors import Unavailable
from cab_assets.schemas import Column, Table

ANSWER_SECONDS = 20  # the longest statement of ours, an ADD of 90 partitions, takes 3 s; a run that waits for two answers must not hang for a minute
CONNECTIONS = 4  # statements side by side: more do not make the metastore faster
NOT_LET_IN, NOT_TRUSTED, NO_PASSWORDS = "Error validating the login", "CERTIFICATE_VERIFY_FAILED", "Unsupported mechanism type PLAIN"
FEW = 4  # days that are asked for one by one
PARTITIONS_A_STATEMENT = 90  # beyond 100 the metastore applies one ALTER in parts, and can fail half-way

T = TypeVar("T")


class HiveUnavailable(Unavailable):
    """HiveServer2 cannot be reached, or does not answer in time."""


class HiveRefused(Refused):
    """HiveServer2 answered, with an error."""


class TlsSocket(TSSLSocket):  # type: ignore[misc]  # Thrift has no types
    """Can be closed when it is: PyHive closes what the handshake already did, and then Thrift's own fails."""

    def close(self) -> None:
        if self.handle:
            super().close()


class Hive:
    """Statements on HiveServer2, on a few connections that are opened when first used and shared by threads."""

    def __init__(
        self,
        url: str,
        password: str | None = None,
        *,
        ca: Path | None = None,
        answer_seconds: int = ANSWER_SECONDS,
        lake: str | None = None,
    ) -> None:
        parts = urlparse(url)
        self.answer_seconds = answer_seconds
        self.host, self.port, self.user = parts.hostname or "", parts.port or 10000, parts.username or "cab"
        self.database = parts.path.strip("/")
        options = dict(parse_qsl(parts.query))
        self._service = options.get("kerberos_service_name", "hive") if options.get("auth") == "KERBEROS" else None
        self._password, self._ca, self._lake = password, ca, lake
        self._as_declared: set[str] = set()
        self._idle: SimpleQueue[tuple[hive.Connection, TSocket]] = SimpleQueue()

    def execute(self, statement: str) -> list[Row]:
        """The rows a statement gives; HiveRefused or HiveUnavailable says which statement failed, and why."""
        with self._connection() as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            cursor.close()  # not after an error: a server that hangs would be waited for twice
            return rows

    def create(self, table: Table, location: str) -> None:
        """Declare an external table over a folder of the lake, once; one that exists gets the columns that it lacks."""
        if table.name in self._as_declared:
            return
        odd = not_a_uri(location)
        if odd and self._is_apache:
            raise HiveRefused(f"Apache Hive moves no partition to a location with {odd!r}: choose a CAB_LAKE_ROOT without it")
        self.execute(
            f"CREATE EXTERNAL TABLE IF NOT EXISTS {self.name(table)} ({declared(table.columns)})"
            f" PARTITIONED BY (`{table.partition_column}` STRING) STORED AS PARQUET LOCATION {quoted(location)}"
        )
        if more := self._lacking(table.name, table.columns):
            cascade = " CASCADE" if self._is_apache else ""  # else partitions that exist stay without; Spark's have none of their own
            try:
                self.execute(f"ALTER TABLE {self.name(table)} ADD COLUMNS ({declared(more)}){cascade}")
            except HiveRefused:
                if self._lacking(table.name, table.columns):  # no other run was first
                    raise

    def create_view(self, name: str, columns: Sequence[Column], selection: str) -> None:
        """Declare a view of these columns, once; one that exists and lacks some is declared anew."""
        if name in self._as_declared:
            return
        names = ", ".join(f"`{column.name}`" for column in columns)
        view = f"`{self.database}`.`{name}` AS SELECT {names} {selection}"
        self.execute(f"CREATE VIEW IF NOT EXISTS {view}")
        if self._lacking(name, columns):
            self.execute(f"CREATE OR REPLACE VIEW {view}")

    def days(self, table: Table) -> set[str]:
        """The days, or the numbers of batches, that have a partition."""
        return {str(row[0]).partition("=")[2] for row in self.execute(f"SHOW PARTITIONS {self.name(table)}")}

    def locations(self, table: Table, days: Iterable[str]) -> dict[str, str]:
        """Where the partitions of `days` point, `file:///…` for `file:/…`; a day without a partition is left out."""
        if not (wanted := set(days)):
            return {}
        there = sorted(wanted & self.days(table))
        told = self._planned(table, there) if len(there) > FEW and self._is_apache else {}
        others = [day for day in there if day not in told]
        return told | dict(zip(others, self._side_by_side(lambda day: self._location(table, day), others), strict=True))

    def add_partitions(self, table: Table, locations: dict[str, str]) -> None:
        """Add partitions, in few statements; a day that got one meanwhile keeps its location."""
        days = sorted(locations)
        for start in range(0, len(days), PARTITIONS_A_STATEMENT):
            clauses = (
                f"PARTITION ({table.partition_column}='{day}') LOCATION {quoted(locations[day])}" for day in days[start : start + PARTITIONS_A_STATEMENT]
            )
            self.execute(f"ALTER TABLE {self.name(table)} ADD IF NOT EXISTS {' '.join(clauses)}")

    def set_locations(self, table: Table, locations: dict[str, str]) -> None:
        """Let partitions that exist point elsewhere."""
        alter = f"ALTER TABLE {self.name(table)} PARTITION ({table.partition_column}="
        self._side_by_side(lambda day: self.execute(f"{alter}'{day}') SET LOCATION {quoted(locations[day])}"), sorted(locations))

    def location(self, table: Table, value: str) -> str | None:
        """Where one partition points; None if there is no such partition."""
        there = self.execute(f"SHOW PARTITIONS {self.name(table)} PARTITION ({table.partition_column}='{value}')")
        return self._location(table, value) if there else None

    def add_partition(self, table: Table, value: str, location: str) -> None:
        """Add a partition that must not be there yet, HiveRefused if it is: of several who try, one succeeds."""
        self.execute(f"ALTER TABLE {self.name(table)} ADD PARTITION ({table.partition_column}='{value}') LOCATION {quoted(location)}")

    def drop_partitions(self, table: Table, values: Iterable[str]) -> None:
        """Take partitions out of the metastore, in the order given; their files stay."""
        partitions = [f"PARTITION ({table.partition_column}='{value}')" for value in values]
        for start in range(0, len(partitions), PARTITIONS_A_STATEMENT):
            self.execute(f"ALTER TABLE {self.name(table)} DROP IF EXISTS {', '.join(partitions[start : start + PARTITIONS_A_STATEMENT])}")

    def name(self, table: Table) -> str:
        return f"`{self.database}`.`{table.name}`"

    def close(self) -> None:
        """Hang up; the server ends a session whose client is gone, and one that hangs is not waited for."""
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()

    def _lacking(self, name: str, columns: Sequence[Column]) -> list[Column]:
        """Return what a table or view lacks; remember one that lacks nothing."""
        found = lacking(name, columns, described(self.execute(f"DESCRIBE `{self.database}`.`{name}`")))
        if not found:
            self._as_declared.add(name)
        return found

    def _location(self, table: Table, day: str) -> str:
        rows = self.execute(f"DESCRIBE FORMATTED {self.name(table)} PARTITION ({table.partition_column}='{day}')")
        locations = [str(row[1]).strip() for row in rows if str(row[0]).strip(": ") == "Location"]
        return normal_url(locations[0])  # the partition's comes first, then the table's

    @cached_property
    def _is_apache(self) -> bool:
        """Whether it is Apache Hive's HiveServer2, not Spark's, whose plans do not name locations and list all files."""
        with self._connection() as connection:
            asked = ttypes.TGetInfoReq(connection.sessionHandle, ttypes.TGetInfoType.CLI_DBMS_NAME)
            return bool(connection.client.GetInfo(asked).infoValue.stringValue == "Apache Hive")

    def _planned(self, table: Table, days: Sequence[str]) -> dict[str, str]:
        """Where a query of these days would read: one statement of half a second for 90, where describing each takes five. None if we may not query."""
        found: dict[str, str] = {}
        for start in range(0, len(days), PARTITIONS_A_STATEMENT):
            values = ", ".join(f"'{day}'" for day in days[start : start + PARTITIONS_A_STATEMENT])
            try:
                rows = self.execute(f"EXPLAIN EXTENDED SELECT * FROM {self.name(table)} WHERE `{table.partition_column}` IN ({values})")
            except Refused:
                return {}
            found |= dict(planned_locations(rows, table.partition_column))
        return found

    def _side_by_side(self, ask: Callable[[str], T], days: Sequence[str]) -> list[T]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(ask, days))

    @contextmanager
    def _connection(self) -> Iterator[hive.Connection]:
        """An idle connection or a new one; one that an error has touched is closed."""
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
        except PyHiveError as error:
            raise failure(f"HiveServer2 at {self.host}:{self.port} refused", said(error), HiveRefused, self._lake) from None
        except (TException, OSError) as error:
            told = f"{error} {getattr(error, 'inner', '')}"
            if NOT_LET_IN in told:
                raise HiveRefused(
                    f"HiveServer2 at {self.host}:{self.port} does not let {self.user} in; check the user in CAB_HIVE_URL, and CAB_HIVE_PASSWORD"
                ) from None
            if NOT_TRUSTED in told:
                raise HiveRefused(f"HiveServer2 at {self.host}:{self.port} has a certificate of nobody in {self._ca}; check CAB_HIVE_CA") from None
            if NO_PASSWORDS in told:
                raise HiveRefused(f"HiveServer2 at {self.host}:{self.port} wants Kerberos; add ?auth=KERBEROS to CAB_HIVE_URL") from None
            raise HiveUnavailable(f"HiveServer2 at {self.host}:{self.port} does not answer ({error}); see `cab doctor`, then run again") from error

    def _open(self) -> tuple[hive.Connection, TSocket]:
        socket = TlsSocket(self.host, self.port, ssl_context=ssl.create_default_context(cafile=self._ca)) if self._ca else TSocket(self.host, self.port)
        socket.setTimeout(self.answer_seconds * 1000)
        hive.TYPES_CONVERTER["TIMESTAMP_TYPE"] = timestamp  # for the whole process: PyHive has no other place for it
        try:
            transport = TSaslClientTransport(self._sasl, "GSSAPI" if self._service else "PLAIN", socket)
            return hive.Connection(thrift_transport=transport, username=self.user, database=self.database), socket
        except BaseException as error:
            socket.close()
            if type(error).__module__ == "kerberos":
                reason = error.args[-1][0]  # (GSS, its code), (Kerberos, its code)
                raise HiveRefused(f"Kerberos does not let us speak to {self._service}@{self.host} ({reason}); see `klist`, then `kinit`") from error
            raise

    def _sasl(self) -> PureSASLClient:
        if self._service and "GSSAPI" not in mechanisms:
            raise HiveRefused("CAB_HIVE_URL asks for Kerberos, which takes the package kerberos beside this one: docs/servers.md#hiveserver2")
        if self._service:
            return PureSASLClient(self.host, service=self._service, qops=[QOP.AUTH])  # PyHive's client cannot sign or encrypt: TLS does
        return PureSASLClient(self.host, username=self.user, password=self._password or "none")  # a server without passwords wants one all the same
