"""Numbers of PostgreSQL that fit no column of ours: NaN as an amount, a coordinate
beyond a double.
"""

from decimal import Decimal
from math import isfinite
from typing import Any

from cab_assets.schemas import BOOKINGS, Column

SHOWN, CHARACTERS = 3, 40
CENT = Decimal("0.01")
NUMBERS = [column for column in BOOKINGS.columns if column.type in ("decimal(12,2)", "double")]


def unfit(cursor: Any, table: str, within: str) -> str | None:
    """Return which columns of which bookings hold a number that does not fit, and how many do."""
    values = ", ".join(f"{column.name}::text" for column in NUMBERS)
    found = []
    for key, *texts in cursor.stream(
        f"SELECT booking_id::text, {values} FROM {table} WHERE {within}"
    ):
        for column, text in zip(NUMBERS, texts, strict=True):
            if text is not None and not fits(column, Decimal(text)):
                found.append(
                    f"{column.name} of the booking {key} is {_short(text)}, which does not fit"
                    f" {column.type}"
                )
    if not found:
        return None
    more = f"; and {len(found) - SHOWN} more values" if len(found) > SHOWN else ""
    return f"{table}: {'; '.join(found[:SHOWN])}{more}"


def fits(column: Column, number: Decimal) -> bool:
    """Whether the column holds the number whole; a double may be rounded, infinite or NaN."""
    if column.type == "double":
        nearest = float(number)
        return not number.is_finite() or (isfinite(nearest) and bool(nearest) == bool(number))
    return number.is_finite() and abs(number) < 10**10 and number % CENT == 0


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}… ({len(text)} characters)"
