"""The source database in MySQL 8, or MariaDB 10.6 or later."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.cursors import SSCursor

from cab_assets.declarations import Column, SourceTable
from cab_assets.errors import CabError
from cab_assets.sources.dialect import Dialect, Snapshot
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.mysql_connection import MARK, connect, kill, settings
from cab_assets.sources.mysql_failures import LOST, is_wrong_password, meaning
from cab_assets.sources.mysql_hash import UTF8, character_set, row_hash
from cab_assets.sources.mysql_replica import raise_if_behind
from cab_assets.sources.mysql_session import TIME_LIMIT
from cab_assets.sources.mysql_shape import shape
from cab_assets.sources.mysql_types import TYPES, is_real, value
from cab_assets.sources.source import Source
from cab_assets.sources.unfit import unfit


@dataclass(frozen=True)
class MySQL(Dialect):
    """A source database at `mysql://user@host:port/db`.

    Connections cannot share a snapshot, so one SELECT reads a whole day: a single statement already
    sees a consistent snapshot. Rows cannot be packed (packed.py), because MySQL truncates its
    aggregate of strings at a length that is a setting of the server.
    """

    errors = pymysql.MySQLError
    types = TYPES
    quote = "`"
    utf8 = UTF8
    protocol = "binary"
    # stmt_cache_size: ConnectorX prepares its query once before SESSION, to learn the types. From a
    # cache, that statement would be used again, with the sql_mode of before SESSION.
    # prefer_socket: on a loopback address, ConnectorX would change from the port to the socket that
    # the server names. Behind a tunnel, that socket belongs to another server.
    # max_allowed_packet: ConnectorX would reject a row that is larger than the server's value. That
    # value limits what the server receives, not what it sends.
    reading = {  # noqa: RUF012
        "stmt_cache_size": "0",
        "prefer_socket": "false",
        "max_allowed_packet": str(2**30),
    }
    now = "SELECT utc_timestamp(6), now(6), convert_tz(utc_timestamp(6), '+00:00', '{zone}')"

    def connect(self) -> Any:
        return connect(self.address, self.password, self.ca)

    def cancel(self, connection: Any) -> None:
        """End this connection and the one through which ConnectorX reads.

        Otherwise the server would continue their statements.
        """
        with suppress(pymysql.MySQLError), closing(self.connect()) as other:
            kill(other, connection.thread_id())

    def failure(self, error: Exception) -> CabError:
        # PyMySQL reports a connection that an earlier error has closed by these arguments
        gone = error.args == (0, "")
        return super().failure(
            pymysql.OperationalError(LOST, "the connection to the server was lost")
            if gone
            else error
        )

    def meaning(self, error: Exception) -> tuple[type[CabError], str]:
        return meaning(error)

    def is_wrong_password(self, error: Exception) -> bool:
        return is_wrong_password(error)

    def tls(self, ca: str) -> dict[str, str]:
        return {"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": ca}

    def begin(self, cursor: Any, table: str) -> None:  # noqa: ARG002
        raise_if_behind(cursor)

    def snapshot(self, cursors: Sequence[Any], table: str) -> Snapshot:
        """Wait until no other program holds the table's lock, then return the current state.

        Rows that are read later are of its `moment` or later. ConnectorX then rarely waits for a
        lock. Each statement commits, so an idle connection holds no lock. If it held one, DDL of
        another program would wait for it, and ConnectorX would wait for that DDL.
        """
        (cursor,) = cursors
        self.begin(cursor, table)
        cursor.execute(
            "SELECT utc_timestamp(6) FROM (SELECT count(*) FROM (SELECT 1 FROM"
            f" {self.table(table)} LIMIT 0) AS no_row) AS unlocked"
        )
        moment = cursor.fetchone()[0].replace(tzinfo=UTC)
        return Snapshot(moment, settings(), MARK.format(cursor.connection.thread_id()))

    def shape(self, cursor: Any, table: str, declared: SourceTable) -> dict[str, str]:
        found = shape(self, cursor, table, declared)
        if any(self._is_zoned(source_type) for source_type in found.values()):
            self._raise_if_unknown_zone(cursor)
        return found

    def _raise_if_unknown_zone(self, cursor: Any) -> None:
        """Raise BookingsDbRefused if the server does not know the business time zone.

        Without time zone tables, MySQL converts times to NULL.
        """
        cursor.execute(f"SELECT convert_tz('2020-01-01 00:00:00', '+00:00', '{self.zone}')")
        if cursor.fetchone()[0] is None:
            remedy = (
                "load its time zone tables with mysql_tzinfo_to_sql, or set CAB_TIMEZONE to a zone"
                " that it knows"
            )
            raise BookingsDbRefused(
                f"{self.address}: the server does not know the time zone {self.zone}, and the table"
                f" has columns of type timestamp; {remedy}"
            )

    def value(self, column: Column, source_type: str) -> str:
        return value(self, column, source_type)

    def row_hash(self, columns: Sequence[tuple[Column, str]]) -> str:
        return row_hash({self.quoted(each.source_name): kind for each, kind in columns})

    def as_text(self, expression: str) -> str:
        return f"cast({expression} AS char)"

    def stream(self, cursor: Any, query: str) -> Iterator[Sequence[Any]]:
        with cursor.connection.cursor(SSCursor) as rows:
            rows.execute(query)
            yield from rows

    def odd_value(self, error: Exception, cursor: Any, source: Source, within: str) -> str | None:
        return unfit(cursor, source, within) if isinstance(error, pa.ArrowInvalid) else None

    def day_of(self, column: str, source_type: str) -> str:
        return f"date({self.wall_clock(column, source_type)})"

    def between(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a valid time in [start, end).

        A partial date, such as 2020-03-00, would otherwise be in the last day of the month before.
        """
        return f"{super().between(column, source_type, start, end)} AND {is_real(column)}"

    def without_a_day(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a time outside [start, end), NULL or invalid.

        Invalid dates sort between the end of a month and the start of the next one.
        """
        outside = super().without_a_day(column, source_type, start, end)
        if source_type.startswith("timestamp"):
            return outside
        least = timedelta(days=1) if source_type == "date" else timedelta(microseconds=1)
        months = {
            (start + timedelta(days)).replace(day=1) for days in range((end - start).days + 1)
        }
        gaps = (
            f"{column} > {self.bound(month - least, source_type)} AND {column} < '{month:%Y-%m-%d}'"
            for month in sorted(months)
        )
        return " OR ".join([outside, *gaps])

    def limit(self, cursor: Any, seconds: int) -> None:
        cursor.execute(TIME_LIMIT.format(seconds=seconds, milliseconds=seconds * 1000))

    def wall_clock(self, expression: str, source_type: str) -> str:
        return (
            f"convert_tz({expression}, '+00:00', '{self.zone}')"
            if self._is_zoned(source_type)
            else expression
        )

    def conversion(self, column: Column, source_type: str) -> str:
        """Return the zone of a timestamp, or the character set of a text."""
        return character_set(source_type) or super().conversion(column, source_type)

    def bound(self, edge: datetime, source_type: str) -> str:
        if source_type == "date":
            return f"'{edge:%Y-%m-%d}'"
        moment = self.moment_of(edge) if self._is_zoned(source_type) else edge
        return f"'{moment:%Y-%m-%d %H:%M:%S.%f}'"

    def _is_zoned(self, source_type: str) -> bool:
        return source_type.startswith("timestamp") and self.zone != "UTC"
