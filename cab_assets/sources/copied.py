"""Rows that PostgreSQL's COPY sends as CSV."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyarrow import csv

from cab_assets.sources.cursors import Cursors

LINES = 8_000  # of CSV at once
MOST_BYTES = 16 << 20  # of a portion; 8,000 rows of usual bookings are 2 MB
CSV = "FORMAT csv, ENCODING 'UTF8'"  # NULL is nothing at all, an empty string is ""


def copied(
    cursors: Cursors, types: Mapping[str, pa.DataType], query: str
) -> Iterator[pa.RecordBatch]:
    """Read over a connection that holds the table's lock; ConnectorX would open another one."""
    with cursors.lend() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT ({CSV})") as lines:
        for text in portions(lines, LINES):
            yield from read_csv(text, types).to_batches()


def portions(lines: Iterable[bytes | memoryview], rows: int) -> Iterator[bytes]:
    """Return the lines, so many at a time; fewer where they are long."""
    gathered: list[bytes | memoryview] = []
    size = 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if len(gathered) == rows or size >= MOST_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def read_csv(text: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the rows of COPY's CSV."""
    nulls = {"null_values": [""], "strings_can_be_null": True, "quoted_strings_can_be_null": False}
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(
            column_names=list(types), block_size=len(text), use_threads=False
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(column_types=types, **nulls),
    )
