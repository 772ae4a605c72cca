"""One day of bookings in the source, read as one consistent snapshot."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import connectorx
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.errors import CabError, Unavailable
from cab_assets.resources.copied import CSV, portions, read_csv
from cab_assets.resources.cursors import Cursors
from cab_assets.resources.dialect import TEXTS, Dialect, Snapshot, Window
from cab_assets.resources.fingerprint import Fingerprint, fingerprint
from cab_assets.resources.packed import Unpackable, packed, short, unpacked
from cab_assets.schemas import BOOKINGS, Column

BATCH_ROWS = 8_000  # 4,000 to 50,000 read equally fast; at 8,000 malloc asked the system for almost no new pages
WINDOWS_AT_ONCE = 4  # from its second window on, a statement finds the server's memory warm: a fifth less work there than one by one
STATEMENTS_AHEAD = 4  # a row group takes as long to write as some windows take to read
ROW_HASH, TEXT_BYTES = "row_hash", "text_bytes"


class SourceUnreadable(CabError):
    """The source holds a value that cannot be brought over as it is."""


@dataclass(frozen=True)
class Control:
    """What the source itself says of a day, and what we do not bring over as it stands."""

    fingerprint: Fingerprint
    unreal_drops: int  # rows whose drop_timestamp is no time (infinity, zero date, a year that Hive does not have) and becomes NULL


@dataclass(frozen=True)
class Slice:
    """Some rows of a day in the table's Arrow schema, and the sum of their hashes as the source has it."""

    rows: pa.RecordBatch
    row_hash: int


Packed = tuple[list[Slice], list[Window]]  # the rows of a statement, and its windows that cannot be packed


@dataclass(frozen=True)
class SourceDay:
    """The bookings with `start <= pickup_timestamp < end` in one snapshot. What it is asked may be asked from several threads."""

    dialect: Dialect
    table: str
    snapshot: Snapshot
    cursors: Cursors
    shape: dict[str, str]
    row_hash: str  # the expression
    start: datetime
    end: datetime

    @property
    def added_columns(self) -> list[str]:
        """Columns that the source has and we do not import."""
        return sorted(set(self.shape) - set(BOOKINGS.names))

    def control(self) -> Control:
        """The source's own figures of the day."""
        drop = next(column for column in BOOKINGS.columns if column.name == "drop_timestamp")
        unreal = f"count({drop.name}) - count({self._value(drop)})"
        figures = f"count(*), sum(trip_fare), sum(tip_amount), sum({self.row_hash}), {unreal}"
        with self.cursors.lend() as cursor:
            cursor.execute(f"SELECT {figures} FROM {self.table} WHERE {self._within(self.start, self.end)}")
            rows, fare, tip, row_hash, unreal_drops = cursor.fetchone()
        return Control(fingerprint(rows, fare, tip, row_hash or 0), unreal_drops)

    def slices(self) -> Iterator[Slice]:
        """All rows of the day."""
        try:
            windows = self._packable()
            yield from self._windows(windows) if windows else self._one_by_one(self.start, self.end)
        except self.dialect.errors as error:
            raise self._odd(error) from None

    def _odd(self, error: Exception) -> Exception:
        with self.cursors.lend_failed() as cursor:
            odd = self.dialect.odd_value(error, cursor, self.table, self._within(self.start, self.end))
        return SourceUnreadable(f"{odd}. Fix it in the source, then run the day again") if odd else error

    def _packable(self) -> list[Window]:
        if self.dialect.readers == 1:
            return []
        with self.cursors.lend() as cursor:
            return self.dialect.windows(cursor, self.table, self.shape["pickup_timestamp"], self.start, self.end)

    def _windows(self, windows: list[Window]) -> Iterator[Slice]:
        """Some windows by one statement, statement after statement, read ahead."""
        pending: deque[Future[Packed]] = deque()
        with ThreadPoolExecutor(self.dialect.readers) as pool:
            for first in range(0, len(windows), WINDOWS_AT_ONCE):
                pending.append(pool.submit(self._statement, windows[first : first + WINDOWS_AT_ONCE]))
                if len(pending) > STATEMENTS_AHEAD:
                    yield from self._rows(pending.popleft().result())
            while pending:
                yield from self._rows(pending.popleft().result())

    def _rows(self, packed: Packed) -> Iterator[Slice]:
        """All rows of a statement. Windows that cannot be packed are not read ahead: they may be large."""
        slices, unpackable = packed
        yield from slices
        for window in unpackable:
            yield from self._one_by_one(*window)

    def _statement(self, windows: list[Window]) -> Packed:
        slices, unpackable = [], []
        for number, rows, row_hash, *columns in self._packed(windows):
            if not rows:
                continue
            try:
                with fitting():
                    slices.append(Slice(unpacked(BOOKINGS, rows, iter(columns)), int(row_hash)))
            except Unpackable:
                unpackable.append(windows[number])
        return slices, unpackable

    def _packed(self, windows: list[Window]) -> Iterator[Any]:
        """A row for each window: its number, rows, sum of hashes, columns."""
        values = {column.name: self._value(column) for column in BOOKINGS.columns}
        values |= {column.name: short(values[column.name], self.shape[column.name]) for column in TEXTS}
        figures = ", ".join(["count(*)", f"sum({self.row_hash})", *packed(BOOKINGS, values)])
        edges = [", ".join(self.dialect.bound(edge, self.shape["pickup_timestamp"]) for edge in window) for window in windows]
        spans = ", ".join(f"({number}, {first_and_last})" for number, first_and_last in enumerate(edges))
        inside = f"SELECT {figures} FROM {self.table} WHERE pickup_timestamp >= span.first AND pickup_timestamp < span.last"
        with self.cursors.lend() as cursor, cursor.connection.cursor(binary=True) as wide:
            yield from wide.stream(f"SELECT span.number, packed.* FROM (VALUES {spans}) AS span (number, first, last), LATERAL ({inside}) AS packed")

    def _value(self, column: Column) -> str:
        return self.dialect.value(column, self.shape[column.name])

    def _one_by_one(self, start: datetime, end: datetime) -> Iterator[Slice]:
        arriving = BOOKINGS.arrow_schema.append(pa.field(ROW_HASH, pa.int64())).append(pa.field(TEXT_BYTES, pa.int64()))
        read = self._by_connectorx if self.dialect.readers == 1 else self._by_copy
        for batch in read(self._select(start, end)):
            with fitting():
                rows = batch.cast(arriving)
            self._refuse_other_texts(rows)
            yield Slice(rows.select(BOOKINGS.names), pc.sum(rows[ROW_HASH]).as_py() or 0)

    def _refuse_other_texts(self, rows: pa.RecordBatch) -> None:
        """The hash is the server's own, so it does not see what a session's encoding makes of a text on the way."""
        lengths = [pc.fill_null(pc.binary_length(rows[column.name]), 0).cast(pa.int64()) for column in TEXTS]
        other = rows.filter(pc.not_equal(reduce(pc.add, lengths), rows[TEXT_BYTES]))
        if other.num_rows:
            raise SourceUnreadable(
                f"{self.table}: a text of booking {other['booking_id'][0]} ({other.num_rows} of {rows.num_rows} rows) arrived as another text than the"
                " server holds; look for a proxy or pool that drops `SET NAMES utf8mb4` or client_encoding, then run the day again"
            )

    def _by_copy(self, query: str) -> Iterator[pa.RecordBatch]:
        """Over a connection that holds the table's lock; ConnectorX would open another one."""
        arriving = {column.name: column.arrow_type for column in BOOKINGS.columns} | {ROW_HASH: pa.int64(), TEXT_BYTES: pa.int64()}
        with self.cursors.lend() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT ({CSV})") as lines:
            for text in portions(lines, BATCH_ROWS):
                with fitting():
                    yield from read_csv(text, arriving).to_batches()

    def _select(self, start: datetime, end: datetime) -> str:
        values = (f"{self._value(column)} AS {column.name}" for column in BOOKINGS.columns)
        proof = f"{self.row_hash} AS {ROW_HASH}, {self.dialect.text_bytes(self.shape)} AS {TEXT_BYTES}"
        return f"SELECT {', '.join(values)}, {proof} FROM {self.table} WHERE {self._within(start, end)}"

    def _within(self, start: datetime, end: datetime) -> str:
        return self.dialect.between(self.shape["pickup_timestamp"], start, end)

    def _by_connectorx(self, query: str) -> Iterator[pa.RecordBatch]:
        """ConnectorX's batches; a value it cannot carry panics, which is a BaseException, after rows were already delivered."""
        try:
            yield from connectorx.read_sql(
                self.dialect.url,
                query,
                protocol=self.dialect.protocol,
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
        """What ended the reading: the database, if it is gone or interrupts, else a value."""
        known = self.dialect.failure(Exception(str(error)))
        if isinstance(known, Unavailable):
            return known
        try:
            with self.cursors.lend() as cursor:
                cursor.execute("SELECT 1")
        except self.dialect.errors as lost:
            return self.dialect.failure(lost)
        said = self.dialect.redacted(str(error)).strip().splitlines()[0]
        return SourceUnreadable(f"{self.table} could not be read to the end: {said}. Look for a value that is no number or no time, mend it, run the day again")


@contextmanager
def fitting() -> Iterator[None]:
    """SourceUnreadable where a value does not fit."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise SourceUnreadable(f"a value of the source does not fit its column: {error}. Mend it in the source, then run the day again") from error
