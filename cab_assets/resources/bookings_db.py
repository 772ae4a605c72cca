"""The rides' database: what a day holds, read as one consistent snapshot."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from queue import SimpleQueue
from typing import Any

import connectorx
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.errors import CabError
from cab_assets.resources.clocks import Clocks
from cab_assets.resources.dialect import BookingsDbRefused, Dialect, Snapshot, Window
from cab_assets.resources.fingerprint import Fingerprint
from cab_assets.resources.packed import Unpackable, packed, unpacked
from cab_assets.schemas import BOOKINGS, Column

BATCH_ROWS = 8_000  # 4,000 to 50,000 read equally fast; at 8,000 malloc asked the system for almost no new pages
READERS = 2  # of windows, side by side
ROW_HASH = "row_hash"
CENT = Decimal("0.01")


class SourceChangedShape(CabError):
    """A column that we import is missing or has another type."""


class SourceUnreadable(CabError):
    """The source holds a value that cannot be brought over as it is."""


@dataclass(frozen=True)
class Control:
    """What the source itself says of a day, and what we do not bring over as it stands."""

    fingerprint: Fingerprint
    unreal_drops: int  # rows whose drop_timestamp is no time (infinity, zero date) and becomes NULL


@dataclass(frozen=True)
class Slice:
    """Some rows of a day in the table's Arrow schema, and the sum of their hashes as the source has it."""

    rows: pa.RecordBatch
    row_hash: int


@dataclass(frozen=True)
class BookingsDb:
    """The table of bookings in the rides' database."""

    dialect: Dialect
    table: str

    @contextmanager
    def day(self, day: date) -> Iterator["SourceDay"]:
        """`day` as it is now: everything asked of the result is answered from one snapshot."""
        with self.cursor() as cursor:
            snapshot = self.dialect.snapshot(cursor)
            yield SourceDay(self, snapshot, self.shape(cursor), midnight(day), midnight(day + timedelta(1)))

    def reach(self) -> None:
        """Raise now what would otherwise be every day's error: no connection, no table, another shape."""
        with self.cursor() as cursor:
            self.shape(cursor)

    def clocks(self) -> Clocks:
        """This moment as the database shows it."""
        with self.cursor() as cursor:
            cursor.execute(self.dialect.now.format(zone=self.dialect.zone))
            moment, session, business = cursor.fetchone()
            return Clocks(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC), session, business)

    def fingerprints(self, start: date, end: date, *, hashed: bool, seconds: int) -> dict[str, Fingerprint]:
        """The days of [start, end) that hold rows, from one statement over an index range, ended after `seconds`."""
        with self.cursor() as cursor:
            shape = self.shape(cursor)
            pickup = shape["pickup_timestamp"]
            self.dialect.limit(cursor, seconds)
            day, row_hash = self.dialect.day_of(pickup), f"sum({self.row_hash(shape)})" if hashed else "NULL"
            within = self.dialect.between(pickup, midnight(start), midnight(end))
            cursor.execute(f"SELECT {day}, count(*), sum(trip_fare), sum(tip_amount), {row_hash} FROM {self.table} WHERE {within} GROUP BY 1")
            return {str(row[0]): _fingerprint(*row[1:]) for row in cursor.fetchall()}

    def rows_without_a_day(self, start: date, *, seconds: int) -> int:
        """Rows that no day will ever bring over: no pickup time, none that is a time, or one before `start`."""
        with self.cursor() as cursor:
            pickup = self.shape(cursor)["pickup_timestamp"]
            self.dialect.limit(cursor, seconds)
            cursor.execute(f"SELECT count(*) FROM {self.table} WHERE {self.dialect.without_a_day(pickup, midnight(start))}")
            return int(cursor.fetchone()[0])

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        try:
            with closing(self._connect()) as connection, connection.cursor() as cursor:
                yield cursor
        except self.dialect.errors as error:
            raise self.dialect.failure(error) from None

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
            raise BookingsDbRefused(f"there is no table {self.table} that we may read in the bookings database; set CAB_BOOKINGS_TABLE or grant SELECT on it")
        wrong = [problem for column in BOOKINGS.columns if (problem := self._problem(column, found.get(column.name)))]
        if wrong:
            raise SourceChangedShape(f"{self.table} changed: {'; '.join(wrong)}. Nothing is published; see docs/operations.md#source-columns")
        return found

    def row_hash(self, shape: Mapping[str, str]) -> str:
        """Over the columns that we import."""
        return self.dialect.row_hash({name: shape[name] for name in BOOKINGS.names})

    def _problem(self, column: Column, found: str | None) -> str | None:
        if found is None:
            return f"column {column.name} is missing"
        return None if self.dialect.accepts(column, found) else f"{column.name} is {found}, which does not fit {column.type}"


@dataclass(frozen=True)
class SourceDay:
    """The bookings with `start <= pickup_timestamp < end` in one snapshot."""

    db: BookingsDb
    snapshot: Snapshot
    shape: dict[str, str]
    start: datetime
    end: datetime

    @property
    def added_columns(self) -> list[str]:
        """Columns that the source has and we do not import."""
        return sorted(set(self.shape) - set(BOOKINGS.names))

    def control(self) -> Control:
        """The source's own figures of the day."""
        unreal = f"count(case when {self.db.dialect.unreal('drop_timestamp')} then 1 end)"
        figures = f"count(*), sum(trip_fare), sum(tip_amount), sum({self._row_hash}), {unreal}"
        self.snapshot.cursor.execute(f"SELECT {figures} FROM {self.db.table} WHERE {self._within(self.start, self.end)}")
        rows, fare, tip, row_hash, unreal_drops = self.snapshot.cursor.fetchone()
        return Control(_fingerprint(rows, fare, tip, row_hash or 0), unreal_drops)

    def slices(self, rows: int) -> Iterator[Slice]:
        """All rows of the day, of which there are `rows`."""
        windows = self.db.dialect.windows(self.snapshot.cursor, self.db.table, self.shape["pickup_timestamp"], self.start, self.end, rows)
        return self._windows(windows) if windows else self._by_connectorx(self.start, self.end)

    def _windows(self, windows: list[Window]) -> Iterator[Slice]:
        """Window after window, read ahead on two connections."""
        cursors: SimpleQueue[Any] = SimpleQueue()
        cursors.put(self.snapshot.cursor)
        pending: deque[Future[list[Slice]]] = deque()
        with ExitStack() as stack:
            if len(windows) > 1:
                cursors.put(stack.enter_context(self._second_cursor()))
            pool = stack.enter_context(ThreadPoolExecutor(READERS))
            for window in windows:
                pending.append(pool.submit(self._window, cursors, window))
                if len(pending) > READERS:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()

    def _window(self, cursors: "SimpleQueue[Any]", window: Window) -> list[Slice]:
        cursor = cursors.get()
        try:
            return list(self._packed(cursor, window))
        except Unpackable:
            return list(self._by_connectorx(*window))
        finally:
            cursors.put(cursor)

    def _packed(self, cursor: Any, window: Window) -> Iterator[Slice]:
        values = {column.name: self.db.dialect.value(column, self.shape[column.name]) for column in BOOKINGS.columns}
        figures = ", ".join(["count(*)", f"sum({self._row_hash})", *packed(BOOKINGS, values)])
        with cursor.connection.cursor(binary=True) as wide:
            rows, row_hash, *columns = wide.execute(f"SELECT {figures} FROM {self.db.table} WHERE {self._within(*window)}").fetchone()
        if rows:
            with fitting():
                yield Slice(unpacked(BOOKINGS, rows, iter(columns)), int(row_hash))

    @contextmanager
    def _second_cursor(self) -> Iterator[Any]:
        """Of another connection that sees the same snapshot."""
        with self.db.cursor() as cursor:
            for statement in self.snapshot.join:
                cursor.execute(statement)
            yield cursor

    def _by_connectorx(self, start: datetime, end: datetime) -> Iterator[Slice]:
        arriving = BOOKINGS.arrow_schema.append(pa.field(ROW_HASH, pa.int64()))
        for batch in self._stream(self._select(start, end)):
            with fitting():
                rows = batch.cast(arriving)
            yield Slice(rows.drop_columns([ROW_HASH]), pc.sum(rows[ROW_HASH]).as_py() or 0)

    def _select(self, start: datetime, end: datetime) -> str:
        values = (f"{self.db.dialect.value(column, self.shape[column.name])} AS {column.name}" for column in BOOKINGS.columns)
        return f"SELECT {', '.join(values)}, {self._row_hash} AS {ROW_HASH} FROM {self.db.table} WHERE {self._within(start, end)}"

    def _within(self, start: datetime, end: datetime) -> str:
        return self.db.dialect.between(self.shape["pickup_timestamp"], start, end)

    @property
    def _row_hash(self) -> str:
        return self.db.row_hash(self.shape)

    def _stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """ConnectorX's batches; a value it cannot carry panics, which is a BaseException, after rows were already delivered."""
        try:
            yield from connectorx.read_sql(
                self.db.dialect.url,
                query,
                protocol=self.db.dialect.protocol,
                return_type="arrow_stream",
                batch_size=BATCH_ROWS,
                pre_execution_query=self.snapshot.join,
            )
        except (Exception, pa.ArrowException) as error:  # noqa: BLE001
            raise self._unreadable(error) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise self._unreadable(error) from None

    def _unreadable(self, error: BaseException) -> CabError:
        """What ended the reading: the database, if it is gone, else a value."""
        try:
            self.snapshot.cursor.execute("SELECT 1")
        except self.db.dialect.errors as lost:
            return self.db.dialect.failure(lost)
        said = self.db.dialect.redacted(str(error)).strip().splitlines()[0]
        return SourceUnreadable(
            f"{self.db.table} could not be read to the end: {said}. Look for a value that is no number or no time, mend it, run the day again"
        )


@contextmanager
def fitting() -> Iterator[None]:
    """SourceUnreadable where a value does not fit."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise SourceUnreadable(f"a value of the source does not fit its column: {error}. Mend it in the source, then run the day again") from error


def _fingerprint(rows: int, fare: Any, tip: Any, row_hash: Any) -> Fingerprint:
    return Fingerprint(rows=rows, fare=amount(fare), tip=amount(tip), row_hash=None if row_hash is None else int(row_hash) % 2**64)


def amount(value: Any) -> str | None:
    """Money as text with two decimals."""
    return None if value is None else str(Decimal(value).quantize(CENT))


def midnight(day: date) -> datetime:
    """When a day starts, by the business zone's wall clock."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
