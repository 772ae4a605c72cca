"""Rows that PostgreSQL's COPY sends as CSV."""

from collections.abc import Mapping

import pyarrow as pa
from pyarrow import csv

CSV = "FORMAT csv, ENCODING 'UTF8'"  # NULL is nothing at all, an empty string is ""


def read_csv(text: bytes, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Return the rows of COPY's CSV."""
    nulls = {"null_values": [""], "strings_can_be_null": True, "quoted_strings_can_be_null": False}
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(column_names=list(types), block_size=len(text), use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(column_types=types, **nulls),
    )
