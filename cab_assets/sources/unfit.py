"""Find values that do not fit their column: NaN as an amount, a number that is too large."""

from datetime import date
from decimal import Context, Decimal
from math import isfinite
from typing import Any

from cab_assets.declarations import Column
from cab_assets.sources.source import Source

# The error names at most this many values, each with at most this many characters
SHOWN, CHARACTERS = 3, 40
# Types with values of the source that do not fit them
CHECKED = ("int", "bigint", "double", "boolean", "date")
BOOLEANS = ("true", "false", "1", "0")
# Values of integers, one more than the largest
INTEGERS = {"int": 2**31, "bigint": 2**63}
# A numeric of PostgreSQL has up to 16,383 digits after the point
EXACT = Context(prec=20_000)


def unfit(cursor: Any, source: Source, within: str) -> str | None:
    """Name the first values that do not fit, with column and row, and count the others."""
    declared, found = source.declared, list[str]()
    checked = [each for each in declared.columns if each.type in CHECKED or each.is_decimal]
    values = ", ".join(map(source.text, [*source.naming, *checked]))
    query = f"SELECT {values} FROM {source.table} WHERE {within}"
    for row in source.dialect.stream(cursor, query):
        named, texts = row[: len(source.naming)], row[len(source.naming) :]
        for column, text in zip(checked, texts, strict=True):
            if text is not None and not fits(column, text):
                said = f"{column.name} of {declared.row_named(named)} is {_short(text)}"
                found.append(f"{said}, which does not fit {column.type}")
    if not found:
        return None
    more = f"; and {len(found) - SHOWN} more values" if len(found) > SHOWN else ""
    return f"{source.name}: {'; '.join(found[:SHOWN])}{more}"


def fits(column: Column, text: str) -> bool:
    """Return whether the column can hold the value exactly.

    A double may be rounded, infinite or NaN, but not overflow or become zero.
    """
    match column.type:
        case "boolean":
            return text in BOOLEANS
        case "date":
            return _is_date(text)
        case "double":
            return _fits_a_double(Decimal(text))
        case "int" | "bigint":
            number, most = Decimal(text), INTEGERS[column.type]
            return number.is_finite() and -most <= number < most and number == int(number)
    return _fits_a_decimal(column, Decimal(text))


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _fits_a_double(number: Decimal) -> bool:
    nearest = float(number)
    return not number.is_finite() or (isfinite(nearest) and bool(nearest) == bool(number))


def _fits_a_decimal(column: Column, number: Decimal) -> bool:
    # `abs` would round to 28 digits
    most = 10 ** (column.precision - column.scale)
    if not number.is_finite() or number.copy_abs() >= most:
        return False
    return EXACT.remainder(number, Decimal(1).scaleb(-column.scale)) == 0


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}… ({len(text)} characters)"
