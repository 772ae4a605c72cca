"""Rows that PostgreSQL packs column by column: many of them are one row of long values, which Arrow and numpy take apart without looking at each.

Strings and amounts arrive as one text with separators, numbers and moments as the server's own arrays in binary.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.schemas import Column, Table

SEPARATOR, NOTHING = "\x1f", "\x1e"  # between strings, and for NULL
AMOUNTS = ","  # between amounts, of which an empty one is NULL
HEADER = struct.Struct(">5i")  # of an array with elements: dimensions, whether some are NULL, their type, how many, first index
KINDS = {"bigint": ">i8", "int": ">i4", "double": ">f8", "timestamp": ">i8"}
CASTS = {"bigint": "bigint", "int": "integer", "double": "double precision", "timestamp": "timestamp"}
EPOCH = 946_684_800_000_000  # of PostgreSQL, the year 2000, in microseconds since 1970


class Unpackable(Exception):
    """A string holds what separates strings."""


def packed(table: Table, values: Mapping[str, str]) -> list[str]:
    """The aggregates that give the columns of `table`, by column -> expression; amounts are text."""
    return [aggregate for column in table.columns for aggregate in _packed(column, values[column.name])]


def _packed(column: Column, value: str) -> list[str]:
    match column.type:
        case "string":
            return [f"string_agg(coalesce({value}::text, chr({ord(NOTHING)})), chr({ord(SEPARATOR)}))", f"count({value})"]
        case "decimal(12,2)":
            return [f"string_agg(coalesce({value}, ''), '{AMOUNTS}')"]
    return [f"array_send(array_agg({value}::{CASTS[column.type]}))"]


def unpacked(table: Table, rows: int, values: Iterator[Any]) -> pa.RecordBatch:
    """What `packed` gave of one row or more; Unpackable if it is ambiguous, ArrowInvalid if a value does not fit."""
    return pa.RecordBatch.from_arrays([_unpacked(column, rows, values) for column in table.columns], schema=table.arrow_schema)


def _unpacked(column: Column, rows: int, values: Iterator[Any]) -> pa.Array:
    match column.type:
        case "string":
            return _strings(next(values), rows, given=next(values))
        case "decimal(12,2)":
            return _split(next(values), AMOUNTS, nothing="").cast(column.arrow_type)
        case "timestamp":
            return _numbers(next(values), KINDS[column.type], shift=EPOCH).view(column.arrow_type)
    return _numbers(next(values), KINDS[column.type])


def _strings(text: str, rows: int, *, given: int) -> pa.Array:
    strings = _split(text, SEPARATOR, nothing=None if given == rows else NOTHING)
    if len(strings) != rows or strings.null_count != rows - given:
        raise Unpackable
    return strings


def _split(text: str, separator: str, *, nothing: str | None) -> pa.Array:
    parts = pc.split_pattern(pa.array([text]), separator).flatten()
    return parts if nothing is None else pc.if_else(pc.equal(parts, nothing), None, parts)


def _numbers(array: bytes, kind: str, *, shift: int = 0) -> pa.Array:
    """The elements of an array as the server sends it: for each its size (-1: NULL) in 4 bytes, then its bytes."""
    _, some_null, _, length, _ = HEADER.unpack_from(array)
    if not some_null:
        elements = np.frombuffer(array, [("size", ">i4"), ("value", kind)], length, HEADER.size)
        return pa.array(_native(elements["value"]) + shift)
    starts = np.array(list(_starts(array, length)))
    known = starts >= 0
    at = (starts[known] + HEADER.size)[:, None] + np.arange(np.dtype(kind).itemsize)
    numbers = np.zeros(length, np.dtype(kind).newbyteorder("="))
    numbers[known] = np.frombuffer(array, np.uint8)[at].reshape(-1).view(kind)
    return pa.array(numbers + shift, mask=~known)


def _native(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _starts(array: bytes, length: int) -> Iterator[int]:
    """Where each element's bytes start behind the header, -1 for NULL: known only from element to element."""
    sizes = np.frombuffer(array, ">i4", offset=HEADER.size).tolist()
    at = 0  # in words of 4 bytes
    for _ in range(length):
        size = sizes[at]
        yield -1 if size < 0 else 4 * (at + 1)
        at += 1 + max(size, 0) // 4
