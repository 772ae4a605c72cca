"""Find numbers that do not fit their column: NaN as an amount, a coordinate beyond a double."""

import re
from decimal import Decimal
from math import isfinite
from typing import Any

from cab_assets.schemas import Column
from cab_assets.sources.source import Source

# The error names at most this many values, each with at most this many characters
SHOWN, CHARACTERS = 3, 40


def unfit(cursor: Any, source: Source, within: str) -> str | None:
    """Name the first numbers that do not fit, with column and row, and count the others."""
    declared, found = source.declared, []
    numbers = [each for each in declared.columns if each.type == "double" or _scale(each)]
    values = ", ".join(f"{name}::text" for name in (declared.key[0], *(n.name for n in numbers)))
    for key, *texts in cursor.stream(f"SELECT {values} FROM {source.name} WHERE {within}"):
        for column, text in zip(numbers, texts, strict=True):
            if text is not None and not fits(column, Decimal(text)):
                found.append(
                    f"{column.name} of the booking {key} is {_short(text)}, which does not fit"
                    f" {column.type}"
                )
    if not found:
        return None
    more = f"; and {len(found) - SHOWN} more values" if len(found) > SHOWN else ""
    return f"{source.name}: {'; '.join(found[:SHOWN])}{more}"


def fits(column: Column, number: Decimal) -> bool:
    """Return whether the column can hold the number exactly.

    A double may be rounded, infinite or NaN, but not overflow or become zero.
    """
    if not (scale := _scale(column)):
        nearest = float(number)
        return not number.is_finite() or (isfinite(nearest) and bool(nearest) == bool(number))
    precision, digits = scale
    if not number.is_finite() or abs(number) >= 10 ** (precision - digits):
        return False
    return number % Decimal(1).scaleb(-digits) == 0


def _scale(column: Column) -> tuple[int, int] | None:
    """Return (precision, scale) of a decimal column, or None for another type."""
    found = re.fullmatch(r"decimal\((\d+),(\d+)\)", column.type)
    return (int(found[1]), int(found[2])) if found else None


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}… ({len(text)} characters)"
