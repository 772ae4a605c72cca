"""How two states of a day are told apart without reading their rows."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, model_serializer, model_validator

from cab_assets.schemas import HASHED_AT_FIRST, SourceTable

FIELDS = ("rows", "row_hash", "columns")  # whatever else a stored fingerprint has is a total


class Fingerprint(BaseModel, frozen=True):
    """What tells one state of a day from another, stored as `rows`, each total, `row_hash`, …"""

    rows: int
    totals: dict[str, str | None] = {}  # sums as decimal text; None: no row has a value
    row_hash: int | None = None  # sum of the rows' hashes, modulo 2^64
    columns: tuple[str, ...] = HASHED_AT_FIRST  # over which the hash is

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
        """Return whether the two are of different states.

        Hashes are compared where both sides have one of the same columns.
        """
        names = self.totals.keys() | other.totals.keys()
        if any(self.totals.get(name) != other.totals.get(name) for name in names):
            return True
        comparable = None not in (self.row_hash, other.row_hash) and self.columns == other.columns
        return self.rows != other.rows or (comparable and self.row_hash != other.row_hash)


def fingerprint(table: SourceTable, rows: int, totals: Iterable[Any], row_hash: Any) -> Fingerprint:
    """Return the fingerprint of figures as a database or Arrow gives them."""
    columns = map(table.column, table.totals)
    amounts = [amount(value, each.scale) for value, each in zip(totals, columns, strict=True)]
    return Fingerprint(
        rows=rows,
        totals=dict(zip(table.labels, amounts, strict=True)),
        row_hash=None if row_hash is None else int(row_hash) % 2**64,
        columns=tuple(table.names),
    )


def amount(value: Any, scale: int) -> str | None:
    """Return a sum as text with so many decimals."""
    return None if value is None else str(Decimal(value).quantize(Decimal(1).scaleb(-scale)))
