"""Rows that PostgreSQL packs column by column: many of them are one row of long values, which Arrow and numpy take apart without looking at each.

Strings and amounts arrive as one text with separators, numbers and moments as the server's own binary form, end to end.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.schemas import Column, Table

SEPARATOR, NOTHING = "\x1f", "\x1e"  # between strings, and for NULL
AMOUNTS = ","  # between amounts, of which an empty one is NULL
FLOATING = ("double", "int")  # what a double holds exactly; NaN is NULL
FOUR = "string_agg(lseg_send(lseg(point({}, {}), point({}, {}))), '')"  # four doubles for little more than the price of one
LEAST, MOST = -(2**63), 2**63 - 1  # as a whole number, the least is NULL; as moments, both are infinite, which is NULL
EPOCH = 946_684_800_000_000  # of PostgreSQL, the year 2000, in microseconds since 1970


class Unpackable(Exception):
    """A value is one of those that stand for something else."""


def packed(table: Table, values: Mapping[str, str]) -> list[str]:
    """The aggregates that give the columns of `table`, by column -> expression; amounts are text, moments may be infinite."""
    floating = {name: f"coalesce({values[name]}::float8, 'NaN')" for four in _fours(table) for name in four}
    fours = [FOUR.format(*([floating[name] for name in four] + ["0"] * 4)[:4]) for four in _fours(table)]
    return [*fours, *(aggregate for column in table.columns for aggregate in _packed(column, values[column.name]))]


def _fours(table: Table) -> list[list[str]]:
    names = [column.name for column in table.columns if column.type in FLOATING]
    return [names[first : first + 4] for first in range(0, len(names), 4)]


def _packed(column: Column, value: str) -> list[str]:
    match column.type:
        case "int":
            return []
        case "double":
            return [f"count({value})"]
        case "string":
            return [f"string_agg(coalesce({value}::text, chr({ord(NOTHING)})), chr({ord(SEPARATOR)}))", f"count({value})"]
        case "decimal(12,2)":
            return [f"string_agg(coalesce({value}, ''), '{AMOUNTS}')"]
        case "timestamp":
            return [f"string_agg(timestamp_send(coalesce({value}, 'infinity')), '')"]
    return [f"string_agg(int8send(coalesce({value}, {LEAST})), '')", f"count({value})"]


def unpacked(table: Table, rows: int, values: Iterator[Any]) -> pa.RecordBatch:
    """What `packed` gave of one row or more; Unpackable if it is ambiguous, ArrowInvalid if a value does not fit."""
    floating: dict[str, np.ndarray] = {}
    for four in _fours(table):
        doubles = np.frombuffer(next(values), ">f8").reshape(rows, 4)
        floating |= {name: doubles[:, place].astype(np.float64) for place, name in enumerate(four)}
    return pa.RecordBatch.from_arrays([_unpacked(column, rows, values, floating) for column in table.columns], schema=table.arrow_schema)


def _unpacked(column: Column, rows: int, values: Iterator[Any], floating: Mapping[str, np.ndarray]) -> pa.Array:
    match column.type:
        case "int" | "double":
            numbers = floating[column.name]
            missing = np.isnan(numbers)
            given = next(values) if column.type == "double" else rows - missing.sum()
        case "string":
            return _strings(next(values), rows, given=next(values))
        case "decimal(12,2)":
            return _split(next(values), AMOUNTS, nothing="").cast(column.arrow_type)
        case "timestamp":
            moments = _whole(next(values))
            missing = (moments == LEAST) | (moments == MOST)
            return _array(moments + EPOCH, missing, pa.int64()).view(column.arrow_type)
        case _:
            numbers = _whole(next(values))
            missing, given = numbers == LEAST, next(values)
    if rows - missing.sum() != given:
        raise Unpackable
    return _array(numbers, missing, column.arrow_type)


def _whole(sent: bytes) -> np.ndarray:
    return np.frombuffer(sent, ">i8").astype(np.int64)


def _array(numbers: np.ndarray, missing: np.ndarray, kind: pa.DataType) -> pa.Array:
    if not missing.any():
        return pa.array(numbers).cast(kind)
    return pa.array(np.where(missing, 0, numbers), mask=missing).cast(kind)


def _strings(text: str, rows: int, *, given: int) -> pa.Array:
    strings = _split(text, SEPARATOR, nothing=None if given == rows else NOTHING)
    if len(strings) != rows or strings.null_count != rows - given:
        raise Unpackable
    return strings


def _split(text: str, separator: str, *, nothing: str | None) -> pa.Array:
    parts = pc.split_pattern(pa.array([text]), separator).flatten()
    return parts if nothing is None else pc.if_else(pc.equal(parts, nothing), None, parts)
