"""The source database in PostgreSQL 14 or later (the first with `hash_record_extended`)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.errors import (
    CharacterNotInRepertoire,
    NumericValueOutOfRange,
    UntranslatableCharacter,
)
from psycopg.types.string import ByteaBinaryLoader

from cab_assets.declarations import Column, SourceTable
from cab_assets.errors import CabError
from cab_assets.sources.dialect import CONNECT_SECONDS, LOCK_SECONDS, Dialect, Snapshot, Window
from cab_assets.sources.postgresql_failures import cause
from cab_assets.sources.postgresql_hash import row_hash
from cab_assets.sources.postgresql_session import NEWEST, SNAPSHOT, begin, lock
from cab_assets.sources.postgresql_text import undecodable
from cab_assets.sources.postgresql_types import TYPES, hashed_type, value
from cab_assets.sources.postgresql_windows import windows
from cab_assets.sources.source import Source
from cab_assets.sources.unfit import unfit

# A connection uses one server process, and does not compile its statements
PLAIN = ["SET LOCAL max_parallel_workers_per_gather = 0", "SET LOCAL jit = off"]
# The columns of a table, with the names of their types. The type of a domain is its base type
COLUMNS = """WITH RECURSIVE columns (name, type, modifier) AS (
    SELECT attname, atttypid, atttypmod FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped AND attrelid = to_regclass(%s)
    UNION ALL
    SELECT name, typbasetype, typtypmod FROM columns JOIN pg_type ON oid = type WHERE typtype = 'd'
) SELECT name, format_type(type, modifier) FROM columns JOIN pg_type ON oid = type
WHERE typtype <> 'd'"""
CLOCK = "pg_catalog.clock_timestamp()"
# Error class -> the function that searches for the value that caused it
SEARCHES = (
    ((CharacterNotInRepertoire, UntranslatableCharacter), undecodable),
    ((NumericValueOutOfRange, pa.ArrowInvalid), unfit),
)
# Lock time-out of a statement that must not wait: PostgreSQL has no NOWAIT for a plain SELECT
AT_ONCE = "100ms"


@dataclass(frozen=True)
class PostgreSQL(Dialect):
    """A source database at `postgresql://user@host:port/db`.

    The two connections that read the windows of a day share one exported snapshot.
    """

    errors = psycopg.Error
    types = TYPES
    quote = '"'
    utf8 = "convert_to({}, 'UTF8')"
    readers = 2
    # "cursor" costs less CPU than "binary" (COPY), see docs/benchmarks.md
    protocol = "cursor"
    now = (
        "SELECT clock_timestamp(), clock_timestamp()::timestamp, clock_timestamp() AT TIME ZONE"
        " '{zone}'"
    )

    def connect(self) -> "psycopg.Connection[Any]":
        tls: dict[str, Any] = (
            {"sslmode": "verify-full", "sslrootcert": str(self.ca)} if self.ca else {}
        )
        how: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "autocommit": True,
            "client_encoding": "UTF8",
            "prepare_threshold": None,
            **tls,
        }
        connection = psycopg.connect(self.address, password=self.password.text, **how)
        # A text that is sent in binary form holds packed rows, which Arrow reads as bytes
        connection.adapters.register_loader("text", ByteaBinaryLoader)
        return connection

    def cancel(self, connection: Any) -> None:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=CONNECT_SECONDS)

    def meaning(self, error: Exception) -> tuple[type[CabError], str]:
        known = cause(error)
        return known.error, known.remedy

    def is_wrong_password(self, error: Exception) -> bool:
        return "authentication failed" in str(error)

    def tls(self, ca: str) -> dict[str, str]:
        """Return parameters that check who signed the certificate, but not its host name.

        The pipeline's own connection, which is opened first to the same host, checks both.
        """
        return {"sslmode": "require", "sslrootcert": ca}

    def begin(self, cursor: Any, table: str) -> None:
        begin(cursor, NEWEST, wait=f"{LOCK_SECONDS}s")
        lock(cursor, self.table(table))

    def snapshot(self, cursors: Sequence[Any], table: str) -> Snapshot:
        """Lock the table, then make a snapshot that both cursors share.

        The lock comes first, because TRUNCATE and ALTER TABLE change what an older snapshot sees.
        At every moment at least one connection holds the lock, and the other one does not wait for
        it: it would wait for ever behind DDL of another program, which waits for the first one.
        """
        first, second = cursors
        self.begin(first, table)
        begin(second, SNAPSHOT, wait=AT_ONCE)
        moment, name = second.execute(f"SELECT {CLOCK}, pg_catalog.pg_export_snapshot()").fetchone()
        lock(second, self.table(table))
        first.execute("COMMIT")
        begin(first, SNAPSHOT, f"SET TRANSACTION SNAPSHOT '{name}'", wait=AT_ONCE)
        lock(first, self.table(table))
        for cursor in cursors:
            cursor.execute("; ".join(PLAIN))
        return Snapshot(moment.astimezone(UTC), [])

    def odd_value(self, error: Exception, cursor: Any, source: Source, within: str) -> str | None:
        search = next((search for kinds, search in SEARCHES if isinstance(error, kinds)), None)
        if not search:
            return None
        # The search may fail too; then only the first error is reported
        with suppress(psycopg.Error):
            cursor.execute("ROLLBACK")
            self.begin(cursor, source.name)
            return search(cursor, source, within)
        return None

    def shape(self, cursor: Any, table: str, declared: SourceTable) -> dict[str, str]:  # noqa: ARG002
        return dict(cursor.execute(COLUMNS, (self.table(table),)).fetchall())

    def windows(self, cursor: Any, source: Source, start: datetime, end: datetime) -> list[Window]:
        return windows(cursor, source, start, end)

    def value(self, column: Column, source_type: str) -> str:
        return value(self, column, source_type)

    def row_hash(self, columns: Sequence[tuple[Column, str]]) -> str:
        types = {
            self.quoted(column.source_name): hashed_type(column, source_type)
            for column, source_type in columns
        }
        decimals = (column for column, _ in columns if column.is_decimal)
        return row_hash(types, {self.quoted(column.source_name) for column in decimals})

    def as_text(self, expression: str) -> str:
        return f"{expression}::text"

    def stream(self, cursor: Any, query: str) -> Iterator[Sequence[Any]]:
        yield from cursor.stream(query)

    def day_of(self, column: str, source_type: str) -> str:
        return f"({self.wall_clock(column, source_type)})::date"

    def limit(self, cursor: Any, seconds: int) -> None:
        cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
        # The planner expects a group for each timestamp, and would sort all rows on disk
        cursor.execute("SET LOCAL enable_sort = off")

    def wall_clock(self, expression: str, source_type: str) -> str:
        return (
            f"({expression} AT TIME ZONE '{self.zone}')"
            if source_type.endswith("with time zone")
            else expression
        )

    def bound(self, edge: datetime, source_type: str) -> str:
        if source_type.endswith("with time zone"):
            return f"timestamptz '{self.moment_of(edge):%Y-%m-%d %H:%M:%S.%f}+00'"
        if source_type == "date":
            return f"date '{edge:%Y-%m-%d}'"
        return f"timestamp '{edge:%Y-%m-%d %H:%M:%S.%f}'"
