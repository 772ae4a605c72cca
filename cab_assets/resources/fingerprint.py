"""How two states of a day are told apart without reading their rows."""

from pydantic import BaseModel


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
