"""One day of a source table, read as one consistent snapshot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.declarations import FIGURES, ROW_HASH, TEXT_BYTES
from cab_assets.sources.cursors import Cursors
from cab_assets.sources.dialect import Snapshot
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.settled import settled
from cab_assets.sources.source import Source
from cab_assets.sources.windows import packed_windows

Hashes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ControlTotals:
    """Counts and sums of a day that the source database computed itself."""

    fingerprint: Fingerprint
    # Number of invalid dates and times, which become NULL: infinity, a zero date, the year 10000
    unreal_times: int


@dataclass(frozen=True)
class Slice:
    """Some rows of a day in the table's Arrow schema, and the source's sum of their hashes."""

    rows: pa.RecordBatch
    row_hash: int
    # Totals of all rows of the day, if they were read by the same statement
    totals: ControlTotals | None = None
    # The hash of each row; None if connections share a snapshot
    row_hashes: Hashes | None = None


@dataclass(frozen=True)
class SourceDay:
    """The rows of [start, end) in one snapshot. Its methods may be called by several threads.

    `read` yields the rows of a query in the schema `source.arriving`.
    """

    source: Source
    snapshot: Snapshot
    cursors: Cursors
    read: Callable[[str], Iterator[pa.RecordBatch]]
    start: datetime
    end: datetime

    @property
    def shares_a_snapshot(self) -> bool:
        """Return whether `control_totals` and `slices` see the same state of the day."""
        return self.source.dialect.readers > 1

    def control_totals(self) -> ControlTotals:
        """Return the control totals of the day."""
        with self.cursors.lend() as cursor:
            cursor.execute(self.source.totals_of(self.start, self.end))
            return _totals(self.source, cursor.fetchone())

    def slices(self) -> Iterator[Slice]:
        """Yield all rows of the day."""
        with self._explained():
            if not self.shares_a_snapshot:
                yield from self._one_by_one(self.start, self.end)
                return
            for packed in packed_windows(self.source, self.cursors, self.start, self.end):
                yield from (Slice(rows, row_hash) for rows, row_hash in packed.slices)
                # Not read ahead: these windows may be large
                for window in packed.unpackable:
                    yield from self._one_by_one(*window)

    def in_one_statement(self) -> Iterator[Slice]:
        """Yield all rows of the day; one slice also has its control totals, from the same state.

        This takes longer than `slices` and `control_totals` on two connections (decision 10).
        """
        with self._explained():
            for batch in self.read(self.source.rows_and_totals_of(self.start, self.end)):
                told = batch[FIGURES].drop_null().to_pylist()
                rows = batch.filter(batch[FIGURES].is_null()) if told else batch
                figures = [each or None for each in told[0].split(",")] if told else []
                totals = _totals(self.source, figures) if figures else None
                yield replace(self._slice(rows.drop_columns([FIGURES])), totals=totals)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise SourceUnreadable instead if the value that caused an error can be found."""
        try:
            yield
        except (self.source.dialect.errors, pa.ArrowInvalid) as error:
            raise self._odd(error) from None

    def _odd(self, error: Exception) -> Exception:
        source, within = self.source, self.source.within(self.start, self.end)
        with self.cursors.lend_failed() as cursor:
            odd = source.dialect.odd_value(error, cursor, source, within)
        if not odd and isinstance(error, pa.ArrowInvalid):
            odd = f"{source.name}: a value does not fit its column: {error}"
        if not odd:
            return error
        return SourceUnreadable(f"{odd}. Fix it in the source, then run the day again")

    def _one_by_one(self, start: datetime, end: datetime) -> Iterator[Slice]:
        yield from map(self._slice, self.read(self.source.rows_of(start, end)))

    def _slice(self, batch: pa.RecordBatch) -> Slice:
        rows = batch.cast(self.source.arriving)
        self._raise_if_texts_differ(rows)
        # A copy: a view would keep the memory of all columns
        hashes = None if self.shares_a_snapshot else rows[ROW_HASH].to_numpy().copy()
        total = pc.sum(rows[ROW_HASH]).as_py() or 0
        return Slice(settled(rows, self.source.declared.columns), total, row_hashes=hashes)

    def _raise_if_texts_differ(self, rows: pa.RecordBatch) -> None:
        """Raise SourceUnreadable if a text arrived with another length than the server computed.

        The row hash does not show this: the server computes it before the session's encoding.
        """
        texts = self.source.texts
        if not texts:
            return
        lengths = [
            pc.fill_null(pc.binary_length(rows[text.name]), 0).cast(pa.int64()) for text in texts
        ]
        other = rows.filter(pc.not_equal(reduce(pc.add, lengths), rows[TEXT_BYTES]))
        if other.num_rows:
            declared = self.source.declared
            row = declared.row_named(other[name][0] for name in declared.naming)
            raise SourceUnreadable(
                f"{self.source.name}: a text of {row} ({other.num_rows} of {rows.num_rows} rows)"
                " differs from the text in the database; check for a proxy or pool that drops"
                " `SET NAMES utf8mb4` or client_encoding, and on MySQL for bytes of more than half"
                " of max_allowed_packet, then run the day again"
            )


def _totals(source: Source, figures: Sequence[Any]) -> ControlTotals:
    rows, *totals, row_hash, unreal = figures
    found = fingerprint(source.declared, int(rows), totals, row_hash or 0, source.conversions)
    return ControlTotals(found, int(unreal))
