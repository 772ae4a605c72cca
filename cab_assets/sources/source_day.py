"""One day of bookings in the source, read as one consistent snapshot."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.schemas import BOOKINGS, Column
from cab_assets.sources.cursors import Cursors
from cab_assets.sources.dialect import TEXTS, Dialect, Snapshot, SourceUnreadable, Window
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.packed import Unpackable, packed, short, unpacked

# From its second window on, a statement finds the server's memory warm: a fifth less work there
# than one by one
WINDOWS_AT_ONCE = 4
STATEMENTS_AHEAD = 4  # a row group takes as long to write as some windows take to read
ROW_HASH, TEXT_BYTES, FIGURES = "row_hash", "text_bytes", "figures"
Hashes = npt.NDArray[np.int64]
ARRIVING = BOOKINGS.arrow_schema.append(pa.field(ROW_HASH, pa.int64())).append(
    pa.field(TEXT_BYTES, pa.int64())
)


@dataclass(frozen=True)
class ControlTotals:
    """What the source itself says of a day, and what we do not bring over as it stands."""

    fingerprint: Fingerprint
    # Rows whose drop_timestamp is no time (infinity, zero date, a year that Hive does not have) and
    # becomes NULL
    unreal_drops: int


@dataclass(frozen=True)
class Slice:
    """Some rows of a day in the table's Arrow schema, and the sum of their hashes as the source has
    it.
    """

    rows: pa.RecordBatch
    row_hash: int
    totals: ControlTotals | None = None  # of the whole day, in the same state
    row_hashes: Hashes | None = None  # of each row, where no snapshot is shared


# The rows of a statement, and its windows that cannot be packed
Packed = tuple[list[Slice], list[Window]]


@dataclass(frozen=True)
class SourceDay:
    """The bookings with `start <= pickup_timestamp < end` in one snapshot.

    What it is asked may be asked from several threads.
    """

    dialect: Dialect
    table: str
    snapshot: Snapshot
    cursors: Cursors
    read: Callable[[str], Iterator[pa.RecordBatch]]  # the rows of a query, with hash and text_bytes
    shape: dict[str, str]
    row_hash: str  # the expression
    start: datetime
    end: datetime

    @property
    def added_columns(self) -> list[str]:
        """Columns that the source has and we do not import."""
        return sorted(set(self.shape) - set(BOOKINGS.names))

    @property
    def shares_a_snapshot(self) -> bool:
        """Whether `control` and `slices` see one state of the day."""
        return self.dialect.readers > 1

    def control_totals(self) -> ControlTotals:
        """The source's own figures of the day."""
        with self.cursors.lend() as cursor:
            cursor.execute(
                f"SELECT {', '.join(self._figures)} FROM {self.table} WHERE"
                f" {self._within(self.start, self.end)}"
            )
            return _control(*cursor.fetchone())

    @property
    def _figures(self) -> list[str]:
        drop = next(column for column in BOOKINGS.columns if column.name == "drop_timestamp")
        unreal = f"count({drop.name}) - count({self._value(drop)})"
        return ["count(*)", "sum(trip_fare)", "sum(tip_amount)", f"sum({self.row_hash})", unreal]

    def slices(self) -> Iterator[Slice]:
        """All rows of the day."""
        with self._explained():
            windows = self._packable()
            yield from self._windows(windows) if windows else self._one_by_one(self.start, self.end)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise SourceUnreadable where the value that an error is of can be told."""
        try:
            yield
        except (self.dialect.errors, pa.ArrowInvalid) as error:
            raise self._odd(error) from None

    def _odd(self, error: Exception) -> Exception:
        with self.cursors.lend_failed() as cursor:
            odd = self.dialect.odd_value(
                error, cursor, self.table, self._within(self.start, self.end)
            )
        if not odd and isinstance(error, pa.ArrowInvalid):
            odd = f"{self.table}: a value does not fit its column: {error}"
        return (
            SourceUnreadable(f"{odd}. Fix it in the source, then run the day again")
            if odd
            else error
        )

    def _packable(self) -> list[Window]:
        if not self.shares_a_snapshot:
            return []
        with self.cursors.lend() as cursor:
            return self.dialect.windows(
                cursor, self.table, self.shape["pickup_timestamp"], self.start, self.end
            )

    def _windows(self, windows: list[Window]) -> Iterator[Slice]:
        """Some windows by one statement, statement after statement, read ahead."""
        pending: deque[Future[Packed]] = deque()
        with ThreadPoolExecutor(self.dialect.readers) as pool:
            for first in range(0, len(windows), WINDOWS_AT_ONCE):
                pending.append(
                    pool.submit(self._statement, windows[first : first + WINDOWS_AT_ONCE])
                )
                if len(pending) > STATEMENTS_AHEAD:
                    yield from self._rows(pending.popleft().result())
            while pending:
                yield from self._rows(pending.popleft().result())

    def _rows(self, packed: Packed) -> Iterator[Slice]:
        """All rows of a statement.

        Windows that cannot be packed are not read ahead: they may be large.
        """
        slices, unpackable = packed
        yield from slices
        for window in unpackable:
            yield from self._one_by_one(*window)

    def _statement(self, windows: list[Window]) -> Packed:
        slices, unpackable = [], []
        with (
            self.cursors.lend() as cursor,
            cursor.connection.cursor(binary=True) as wide,
            closing(wide.stream(self._packed(windows))) as found,
        ):
            for number, rows, row_hash, *columns in found:
                if not rows:
                    continue
                try:
                    slices.append(Slice(unpacked(BOOKINGS, rows, iter(columns)), int(row_hash)))
                except Unpackable:
                    unpackable.append(windows[number])
        return slices, unpackable

    def _packed(self, windows: list[Window]) -> str:
        """Return a query for a row for each window: its number, rows, sum of hashes, columns."""
        values = {column.name: self._value(column) for column in BOOKINGS.columns}
        values |= {
            column.name: short(values[column.name], self.shape[column.name]) for column in TEXTS
        }
        figures = ", ".join(["count(*)", f"sum({self.row_hash})", *packed(BOOKINGS, values)])
        edges = [
            ", ".join(self.dialect.bound(edge, self.shape["pickup_timestamp"]) for edge in window)
            for window in windows
        ]
        spans = ", ".join(
            f"({number}, {first_and_last})" for number, first_and_last in enumerate(edges)
        )
        inside = (
            f"SELECT {figures} FROM {self.table} AS ride WHERE ride.pickup_timestamp >= span.first"
            " AND ride.pickup_timestamp < span.last"
        )
        return (
            f"SELECT span.number, packed.* FROM (VALUES {spans}) AS span (number, first, last),"
            f" LATERAL ({inside}) AS packed"
        )

    def _value(self, column: Column) -> str:
        return self.dialect.value(column, self.shape[column.name])

    def in_one_statement(self) -> Iterator[Slice]:
        """Return all rows of the day, and with some of them its figures, which see the same state.

        This takes longer than `slices` and `control` on two connections (decision 10).
        """
        nothing = ", ".join(["NULL"] * (len(BOOKINGS.columns) + 2))
        figures = ", ".join(f"coalesce({each}, '')" for each in self._figures)
        total = (
            f"SELECT {nothing}, concat_ws(',', {figures}) FROM {self.table} WHERE"
            f" {self._within(self.start, self.end)}"
        )
        rows = self._select(self.start, self.end, f"CAST(NULL AS char) AS {FIGURES}")
        with self._explained():
            for batch in self.read(f"{rows} UNION ALL {total}"):
                told = batch[FIGURES].drop_null().to_pylist()
                rides = batch.filter(batch[FIGURES].is_null()) if told else batch
                totals = _control(*(each or None for each in told[0].split(","))) if told else None
                yield replace(self._slice(rides.drop_columns([FIGURES])), totals=totals)

    def _one_by_one(self, start: datetime, end: datetime) -> Iterator[Slice]:
        yield from map(self._slice, self.read(self._select(start, end)))

    def _slice(self, batch: pa.RecordBatch) -> Slice:
        rows = batch.cast(ARRIVING)
        self._raise_if_texts_differ(rows)
        # Else the rows would stay with it
        hashes = None if self.shares_a_snapshot else rows[ROW_HASH].to_numpy().copy()
        total = pc.sum(rows[ROW_HASH]).as_py() or 0
        return Slice(rows.select(BOOKINGS.names), total, row_hashes=hashes)

    def _raise_if_texts_differ(self, rows: pa.RecordBatch) -> None:
        """The hash is the server's own, so it does not see what a session's encoding makes of a
        text on the way.
        """
        lengths = [
            pc.fill_null(pc.binary_length(rows[column.name]), 0).cast(pa.int64())
            for column in TEXTS
        ]
        other = rows.filter(pc.not_equal(reduce(pc.add, lengths), rows[TEXT_BYTES]))
        if other.num_rows:
            raise SourceUnreadable(
                f"{self.table}: a text of booking {other['booking_id'][0]} ({other.num_rows} of"
                f" {rows.num_rows} rows) arrived as another text than the server holds; look for a"
                " proxy or pool that drops `SET NAMES utf8mb4` or client_encoding, then run the"
                " day again"
            )

    def _select(self, start: datetime, end: datetime, *more: str) -> str:
        values = (f"{self._value(column)} AS {column.name}" for column in BOOKINGS.columns)
        proof = (
            f"{self.row_hash} AS {ROW_HASH}, {self.dialect.text_bytes(self.shape)} AS {TEXT_BYTES}"
        )
        return (
            f"SELECT {', '.join([*values, proof, *more])} FROM {self.table} WHERE"
            f" {self._within(start, end)}"
        )

    def _within(self, start: datetime, end: datetime) -> str:
        return self.dialect.between(self.shape["pickup_timestamp"], start, end)


def _control(rows: Any, fare: Any, tip: Any, row_hash: Any, unreal_drops: Any) -> ControlTotals:
    return ControlTotals(fingerprint(int(rows), fare, tip, row_hash or 0), int(unreal_drops))
