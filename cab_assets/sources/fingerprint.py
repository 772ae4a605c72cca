"""Fingerprints: compare two states of a day without reading their rows."""

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

from pydantic import BaseModel, model_serializer, model_validator

from cab_assets.declarations import SourceTable
from cab_assets.tables.bookings import HASHED_AT_FIRST

# Every other field of a stored fingerprint is a total
FIELDS = ("rows", "row_hash", "columns")
# Sums of decimals of 38 digits are longer than Python's default of 28
EXACT = Context(prec=100)


class Fingerprint(BaseModel, frozen=True):
    """Figures that identify a state of a day. In JSON, each total is a field beside the others."""

    rows: int
    # Sums as decimal text; None if no row has a value
    totals: dict[str, str | None] = {}
    # Sum of the row hashes, modulo 2^64; None if it was not computed
    row_hash: int | None = None
    # The columns that the row hashes cover
    columns: tuple[str, ...] = HASHED_AT_FIRST
    # Column -> zone or character set from which its values are converted; None if not known. A
    # manifest stores it beside the fingerprint
    conversions: dict[str, str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _stored(cls, values: Any) -> Any:
        if "totals" in values:
            return values
        totals = {name: value for name, value in values.items() if name not in FIELDS}
        return {name: values[name] for name in FIELDS if name in values} | {"totals": totals}

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        hashed = {"row_hash": self.row_hash, "columns": self.columns}
        return {"rows": self.rows, **self.totals, **hashed}

    def differs_from(self, other: "Fingerprint") -> bool:
        """Return whether the two states differ.

        Hashes are compared only if both sides have one, over the same columns. They cover the
        stored values, so conversions are compared too: with another zone or character set, the
        same stored value is another one in the lake.
        """
        if None not in (self.conversions, other.conversions) and (
            self.conversions != other.conversions
        ):
            return True
        names = self.totals.keys() | other.totals.keys()
        if any(self.totals.get(name) != other.totals.get(name) for name in names):
            return True
        comparable = None not in (self.row_hash, other.row_hash) and self.columns == other.columns
        return self.rows != other.rows or (comparable and self.row_hash != other.row_hash)


def fingerprint(
    table: SourceTable,
    rows: int,
    totals: Iterable[Any],
    row_hash: Any,
    conversions: dict[str, str] | None = None,
) -> Fingerprint:
    """Return a fingerprint of figures that a database or Arrow computed."""
    columns = map(table.column, table.totals)
    amounts = [amount(value, each.scale) for value, each in zip(totals, columns, strict=True)]
    return Fingerprint(
        rows=rows,
        totals=dict(zip(table.labels, amounts, strict=True)),
        row_hash=None if row_hash is None else int(row_hash) % 2**64,
        columns=tuple(table.names),
        conversions=conversions,
    )


def amount(value: Any, scale: int) -> str | None:
    """Return a sum as text with `scale` decimal places."""
    unit = Decimal(1).scaleb(-scale)
    return None if value is None else str(Decimal(value).quantize(unit, context=EXACT))
