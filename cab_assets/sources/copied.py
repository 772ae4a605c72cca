"""Rows that PostgreSQL sends as CSV by COPY."""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyarrow import csv

from cab_assets.sources.cursors import Cursors

# Limits of a chunk of CSV that is parsed at once: lines, and bytes, which bound its memory if rows
# are long. 8,000 usual bookings are 2 MB.
LINES = 8_000
MOST_BYTES = 16 << 20
# In this format NULL is an empty field, and an empty string is ""
CSV = "FORMAT csv, ENCODING 'UTF8'"


def copied(
    cursors: Cursors, types: Mapping[str, pa.DataType], query: str
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query, read over a connection that holds the table's lock.

    ConnectorX would open another connection, without that lock.
    """
    with cursors.lend() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT ({CSV})") as lines:
        for text in portions(lines, LINES):
            yield from read_csv(text, types).to_batches()


def portions(lines: Iterable[bytes | memoryview], rows: int) -> Iterator[bytes]:
    """Yield the lines in chunks of `rows` lines, or fewer when a chunk has MOST_BYTES."""
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
    """Return the rows of CSV that COPY sent."""
    nulls = {"null_values": [""], "strings_can_be_null": True, "quoted_strings_can_be_null": False}
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(
            column_names=list(types), block_size=len(text), use_threads=False
        ),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(column_types=types, **nulls),
    )
