"""Read a day window by window. The server packs each window into one row."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from cab_assets.sources.cursors import Cursors
from cab_assets.sources.dialect import Window
from cab_assets.sources.packed import Unpackable, packed, short, unpacked
from cab_assets.sources.settled import settled
from cab_assets.sources.source import Source

# Windows per statement: the server process reuses its memory from the second on (decision 8)
WINDOWS_AT_ONCE = 4
# Statements that are read ahead, so that reading continues while a row group is written
STATEMENTS_AHEAD = 4


@dataclass(frozen=True)
class Packed:
    """The rows of a statement with the sums of their hashes, and windows that cannot be packed."""

    slices: list[tuple[pa.RecordBatch, int]] = field(default_factory=list)
    unpackable: list[Window] = field(default_factory=list)


def packed_windows(
    source: Source, cursors: Cursors, start: datetime, end: datetime
) -> Iterator[Packed]:
    """Yield the rows of [start, end). Each statement reads some windows, a few statements ahead."""
    with cursors.lend() as cursor:
        windows = source.dialect.windows(cursor, source, start, end)
    if not windows:
        yield Packed(unpackable=[(start, end)])
        return
    pending: deque[Future[Packed]] = deque()
    with ThreadPoolExecutor(source.dialect.readers) as pool:
        for first in range(0, len(windows), WINDOWS_AT_ONCE):
            some = windows[first : first + WINDOWS_AT_ONCE]
            pending.append(pool.submit(_read, source, cursors, some))
            if len(pending) > STATEMENTS_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _read(source: Source, cursors: Cursors, windows: list[Window]) -> Packed:
    read = Packed()
    with (
        cursors.lend() as cursor,
        cursor.connection.cursor(binary=True) as wide,
        closing(wide.stream(statement(source, windows))) as found,
    ):
        for number, rows, row_hash, *columns in found:
            if not rows:
                continue
            try:
                arrived = unpacked(source.columns, rows, iter(columns))
            except Unpackable:
                read.unpackable.append(windows[number])
            else:
                read.slices.append((settled(arrived, source.declared.columns), int(row_hash)))
    return read


def statement(source: Source, windows: list[Window]) -> str:
    """Return a query with one row per window: number, row count, sum of hashes, packed columns."""
    day = source.day_column
    values = {each.name: source.value(each) for each in source.declared.columns}
    values |= {text.name: short(values[text.name], source.type_of(text)) for text in source.texts}
    figures = ", ".join(["count(*)", f"sum({source.row_hash})", *packed(source.columns, values)])
    edges = [
        ", ".join(source.dialect.bound(edge, source.day_type) for edge in window)
        for window in windows
    ]
    spans = ", ".join(f"({number}, {ends})" for number, ends in enumerate(edges))
    inside = (
        f"SELECT {figures} FROM {source.table} AS ride"
        f" WHERE ride.{day} >= span.first AND ride.{day} < span.last"
    )
    return (
        f"SELECT span.number, packed.* FROM (VALUES {spans}) AS span (number, first, last),"
        f" LATERAL ({inside}) AS packed"
    )
