"""How two states of a day are told apart without reading their rows."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

CENT = Decimal("0.01")


class Fingerprint(BaseModel, frozen=True):
    """What tells one state of a day from another. Amounts as decimal text (None: no row has one), the hash modulo 2^64."""

    rows: int
    fare: str | None
    tip: str | None
    row_hash: int | None = None

    def differs_from(self, other: "Fingerprint") -> bool:
        """Whether the two are of different states; hashes are compared where both sides have one."""
        hashes_differ = None not in (self.row_hash, other.row_hash) and self.row_hash != other.row_hash
        return hashes_differ or (self.rows, self.fare, self.tip) != (other.rows, other.fare, other.tip)


def fingerprint(rows: int, fare: Any, tip: Any, row_hash: Any) -> Fingerprint:
    """Of figures as a database or Arrow gives them."""
    return Fingerprint(rows=rows, fare=amount(fare), tip=amount(tip), row_hash=None if row_hash is None else int(row_hash) % 2**64)


def amount(value: Any) -> str | None:
    """Money as text with two decimals."""
    return None if value is None else str(Decimal(value).quantize(CENT))
