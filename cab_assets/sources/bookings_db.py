"""The rides' database: its table, and what its days hold."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from cab_assets.clients.clocks import Clocks
from cab_assets.errors import CabError
from cab_assets.schemas import BOOKINGS, Column
from cab_assets.sources import connectorx_rows
from cab_assets.sources.copied import copied
from cab_assets.sources.cursors import Cursors
from cab_assets.sources.dialect import (
    LOCK_SECONDS,
    BookingsDbRefused,
    Dialect,
    Snapshot,
    TableLocked,
)
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.row_processes import RowProcesses
from cab_assets.sources.source_day import ARRIVING, SourceDay


class SourceChangedShape(CabError):
    """A column that we import is missing or has another type."""


@dataclass(frozen=True)
class BookingsDb:
    """The table of bookings in the rides' database."""

    dialect: Dialect
    table: str
    processes: RowProcesses = field(
        default_factory=RowProcesses, init=False, repr=False, compare=False
    )
    _open: set[Any] = field(default_factory=set, init=False, repr=False, compare=False)

    @contextmanager
    def day(self, day: date) -> Iterator[SourceDay]:
        """`day` as it is now: everything asked of the result is answered from one snapshot."""
        with ExitStack() as connections:
            snapshot, cursors = self._snapshot(connections)
            lent = Cursors(cursors)
            read = self._reader(connections, snapshot, lent)
            shape = self.shape(cursors[0])
            window = midnight(day), midnight(day + timedelta(1))
            yield SourceDay(
                self.dialect, self.table, snapshot, lent, read, shape, self.row_hash(shape), *window
            )

    def _reader(
        self, opened: ExitStack, snapshot: Snapshot, cursors: Cursors
    ) -> Callable[[str], Iterator[pa.RecordBatch]]:
        """Return what reads the rows of a query: a connection that sees the snapshot, or else a
        process.
        """
        if self.dialect.readers > 1:
            return partial(copied, cursors, {field.name: field.type for field in ARRIVING})
        return partial(
            connectorx_rows.read,
            self.dialect,
            snapshot,
            opened.enter_context(self.processes.lend()),
        )

    def _snapshot(self, connections: ExitStack) -> tuple[Snapshot, list[Any]]:
        """The newest state, and cursors that see it.

        TableLocked if they cannot lock the table in time.

        When one of them would have to wait, all let go of the table before the next attempt.
        """
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                with ExitStack() as attempt:
                    cursors = [
                        attempt.enter_context(self.cursor()) for _ in range(self.dialect.readers)
                    ]
                    snapshot = self.dialect.snapshot(cursors, self.table)
                    connections.push(attempt.pop_all())
                    return snapshot, cursors
            except TableLocked:
                if time.monotonic() > give_up:
                    raise

    def reach(self) -> None:
        """Raise now what would otherwise be every day's error: no connection, no table, another
        shape.
        """
        with self.reading() as cursor:
            self.shape(cursor)

    def clocks(self) -> Clocks:
        """This moment as the database shows it."""
        with self.reading() as cursor:
            cursor.execute(self.dialect.now.format(zone=self.dialect.zone))
            moment, session, business = cursor.fetchone()
            return Clocks(
                moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC),
                session,
                business,
            )

    def fingerprints(
        self, start: date, end: date, *, hashed: bool, seconds: int
    ) -> dict[str, Fingerprint]:
        """The days of [start, end) that hold rows, from one statement over an index range, ended
        after `seconds`.
        """
        with self.reading() as cursor:
            shape = self.shape(cursor)
            pickup = shape["pickup_timestamp"]
            self.dialect.limit(cursor, seconds)
            day, row_hash = (
                self.dialect.day_of(pickup),
                f"sum({self.row_hash(shape)})" if hashed else "NULL",
            )
            within = self.dialect.between(pickup, midnight(start), midnight(end))
            cursor.execute(
                f"SELECT {day}, count(*), sum(trip_fare), sum(tip_amount), {row_hash} FROM"
                f" {self.table} WHERE {within} GROUP BY 1"
            )
            found = cursor.fetchall()
        days = {
            day: figures for day, *figures in found if isinstance(day, date) and start <= day < end
        }
        return {str(day): fingerprint(*figures) for day, figures in days.items()}

    def rows_without_a_day(self, start: date, *, seconds: int) -> int:
        """Count the rows without a pickup time from `start` to today.

        A ride cannot be completed before its pickup.
        """
        tomorrow = midnight(datetime.now(ZoneInfo(self.dialect.zone)).date() + timedelta(1))
        with self.reading() as cursor:
            pickup = self.shape(cursor)["pickup_timestamp"]
            self.dialect.limit(cursor, seconds)
            cursor.execute(
                f"SELECT count(*) FROM {self.table} WHERE"
                f" {self.dialect.without_a_day(pickup, midnight(start), tomorrow)}"
            )
            return int(cursor.fetchone()[0])

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A cursor that sees the newest state of the table."""
        with self.cursor() as cursor:
            self.dialect.begin(cursor, self.table)
            yield cursor

    @contextmanager
    def cursor(self) -> Iterator[Any]:
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
        """End what our processes and connections do for other threads.

        The server frees their locks.
        """
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

    def shape(self, cursor: Any) -> dict[str, str]:
        """Column -> type of the source's table; SourceChangedShape if it is not what we import."""
        found = self.dialect.shape(cursor, self.table)
        if not found:
            raise BookingsDbRefused(
                f"there is no table {self.table} that we may read in the bookings database; set"
                " CAB_BOOKINGS_TABLE or grant SELECT on it"
            )
        wrong = [
            problem
            for column in BOOKINGS.columns
            if (problem := self._problem(column, found.get(column.name)))
        ]
        if wrong:
            raise SourceChangedShape(
                f"{self.table} changed: {'; '.join(wrong)}. Nothing is published; see"
                " docs/operations.md#source-columns"
            )
        return found

    def row_hash(self, shape: Mapping[str, str]) -> str:
        """Over the columns that we import."""
        return self.dialect.row_hash({name: shape[name] for name in BOOKINGS.names})

    def _problem(self, column: Column, found: str | None) -> str | None:
        if found is None:
            return f"column {column.name} is missing"
        return (
            None
            if self.dialect.accepts(column, found)
            else f"{column.name} is {found}, which does not fit {column.type}"
        )


def midnight(day: date) -> datetime:
    """When a day starts, by the business zone's wall clock."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
