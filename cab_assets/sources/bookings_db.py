"""A source table in its database, and access to its days."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from cab_assets.clients.clocks import Clocks
from cab_assets.declarations import Column, SourceTable
from cab_assets.errors import CabError
from cab_assets.sources import connectorx_rows
from cab_assets.sources.connections import Connections
from cab_assets.sources.copied import copied
from cab_assets.sources.cursors import Cursors
from cab_assets.sources.dialect import LOCK_SECONDS, Dialect, Snapshot
from cab_assets.sources.failures import BookingsDbRefused, TableLocked
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.row_processes import RowProcesses
from cab_assets.sources.source import Source
from cab_assets.sources.source_day import SourceDay
from cab_assets.tables.bookings import BOOKINGS


class SourceChangedShape(CabError):
    """A column that is imported is missing or has another type."""


@dataclass(frozen=True)
class BookingsDb:
    """The table named `table` in the source database; `declared` lists the columns to import."""

    dialect: Dialect
    table: str
    declared: SourceTable = BOOKINGS
    connections: Connections = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "connections", Connections(self.dialect))

    def of(self, declared: SourceTable) -> "BookingsDb":
        """Return another table of the same database, or this one."""
        if declared is self.declared:
            return self
        return BookingsDb(self.dialect, declared.source or declared.name, declared)

    @property
    def processes(self) -> RowProcesses:
        return self.connections.processes

    def cursor(self) -> AbstractContextManager[Any]:
        return self.connections.cursor()

    @contextmanager
    def day(self, day: date) -> Iterator[SourceDay]:
        """Lend `day` as it is now. All its methods read from one snapshot."""
        with ExitStack() as opened:
            snapshot, cursors = self._snapshot(opened)
            source, lent = self.source(cursors[0]), Cursors(cursors)
            read = self._reader(opened, source, snapshot, lent)
            window = midnight(day), midnight(day + timedelta(1))
            source.raise_if_zone_differs(cursors[0], window)
            yield SourceDay(source, snapshot, lent, read, *window)

    def _reader(
        self, opened: ExitStack, source: Source, snapshot: Snapshot, cursors: Cursors
    ) -> Callable[[str], Iterator[pa.RecordBatch]]:
        """Return a function that reads the rows of a query, by COPY or in a ConnectorX process."""
        if self.dialect.readers > 1:
            return partial(copied, cursors, {each.name: each.type for each in source.arriving})
        process = opened.enter_context(self.processes.lend())
        return partial(connectorx_rows.read, self.dialect, snapshot, process)

    def _snapshot(self, opened: ExitStack) -> tuple[Snapshot, list[Any]]:
        """Return a snapshot of the newest state, and cursors that see it.

        If a cursor would have to wait for a lock, all cursors release the table before the next
        attempt. Raise TableLocked if none succeeds within LOCK_SECONDS.
        """
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                with ExitStack() as attempt:
                    readers = range(self.dialect.readers)
                    cursors = [attempt.enter_context(self.cursor()) for _ in readers]
                    snapshot = self.dialect.snapshot(cursors, self.table)
                    opened.push(attempt.pop_all())
                    return snapshot, cursors
            except TableLocked:
                if time.monotonic() > give_up:
                    raise

    def reach(self) -> None:
        """Raise an error that every day would have: no connection, no table, other columns."""
        with self.reading() as cursor:
            self.source(cursor)

    def clocks(self) -> Clocks:
        """Return the current time as the database shows it, in three time zones."""
        with self.reading() as cursor:
            cursor.execute(self.dialect.now.format(zone=self.dialect.zone))
            moment, session, business = cursor.fetchone()
            utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return Clocks(utc, session, business)

    def fingerprints(
        self, start: date, end: date, *, hashed: bool, seconds: int
    ) -> dict[str, Fingerprint]:
        """Return day -> fingerprint of the days of [start, end) that have rows.

        This is one statement over an index range, which the server cancels after `seconds`. Row
        hashes are part of the fingerprints only if `hashed`.
        """
        with self.reading() as cursor:
            source = self.source(cursor)
            self.dialect.limit(cursor, seconds)
            hashes = f"sum({source.row_hash})" if hashed else "NULL"
            figures = ", ".join([source.day, "count(*)", *source.sums, hashes])
            within = source.within(midnight(start), midnight(end))
            cursor.execute(f"SELECT {figures} FROM {source.table} WHERE {within} GROUP BY 1")
            found = cursor.fetchall()
        days = (each for each in found if isinstance(each[0], date) and start <= each[0] < end)
        return {
            str(day): fingerprint(self.declared, rows, totals, hashed, source.conversions)
            for day, rows, *totals, hashed in days
        }

    def rows_without_a_day(self, start: date, *, seconds: int) -> int:
        """Count the rows that belong to no day from `start` to today.

        A row with a pickup time after today counts too, because it must be wrong.
        """
        tomorrow = midnight(datetime.now(ZoneInfo(self.dialect.zone)).date() + timedelta(1))
        with self.reading() as cursor:
            source = self.source(cursor)
            self.dialect.limit(cursor, seconds)
            without = source.without_a_day(midnight(start), tomorrow)
            cursor.execute(f"SELECT count(*) FROM {source.table} WHERE {without}")
            return int(cursor.fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Lend a cursor that sees the newest state of the table."""
        with self.cursor() as cursor:
            self.dialect.begin(cursor, self.table)
            yield cursor

    def source(self, cursor: Any) -> Source:
        """Return the table as it is in the database.

        Raise SourceChangedShape if a column is missing or does not fit.
        """
        found = self.dialect.shape(cursor, self.table, self.declared)
        if not found:
            raise BookingsDbRefused(
                f"the bookings database has no table {self.table} that this user may read; set"
                " CAB_BOOKINGS_TABLE or grant SELECT on it"
            )
        problems = (
            self._problem(each, found.get(each.source_name)) for each in self.declared.columns
        )
        if wrong := list(filter(None, problems)):
            raise SourceChangedShape(
                f"the columns of {self.table} changed: {'; '.join(wrong)}. Nothing was published;"
                " see docs/howto/add-a-column.md#a-column-that-is-missing"
            )
        return Source(self.declared, self.table, found, self.dialect)

    def _problem(self, column: Column, found: str | None) -> str | None:
        if found is None:
            return f"column {column.source_name} is missing"
        if self.dialect.types.accepts(column, found):
            return None
        return f"{column.source_name} is {found}, which does not fit {column.type}"


def midnight(day: date) -> datetime:
    """Return the start of a day as a local time, without a zone."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
