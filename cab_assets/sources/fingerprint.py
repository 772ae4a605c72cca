"""How two states of a day are told apart without reading their rows."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from cab_assets.schemas import BOOKINGS

CENT = Decimal("0.01")
AT_FIRST = (  # the columns that were hashed before a fingerprint said which
    *(
        "booking_id",
        "customer_id",
        "driver_id",
        "customer_app_version",
        "customer_phone_os_version",
    ),
    *("pickup_lat", "pickup_lon", "drop_lat", "drop_lon", "pickup_timestamp", "drop_timestamp"),
    *("trip_fare", "tip_amount", "currency_code", "cab_color", "cab_registration_no"),
    *("customer_rating_by_driver", "rating_by_customer", "passenger_count"),
)


class Fingerprint(BaseModel, frozen=True):
    """What tells one state of a day from another.

    Amounts as decimal text (None: no row has one), the hash modulo 2^64.
    """

    rows: int
    fare: str | None
    tip: str | None
    row_hash: int | None = None
    columns: tuple[str, ...] = AT_FIRST  # over which the hash is

    def differs_from(self, other: "Fingerprint") -> bool:
        """Return whether the two are of different states.

        Hashes are compared where both sides have one of the same columns.
        """
        comparable = None not in (self.row_hash, other.row_hash) and self.columns == other.columns
        return (comparable and self.row_hash != other.row_hash) or (
            self.rows,
            self.fare,
            self.tip,
        ) != (other.rows, other.fare, other.tip)


def fingerprint(rows: int, fare: Any, tip: Any, row_hash: Any) -> Fingerprint:
    """Of figures as a database or Arrow gives them."""
    hashed = None if row_hash is None else int(row_hash) % 2**64
    return Fingerprint(
        rows=rows,
        fare=amount(fare),
        tip=amount(tip),
        row_hash=hashed,
        columns=tuple(BOOKINGS.names),
    )


def amount(value: Any) -> str | None:
    """Money as text with two decimals."""
    return None if value is None else str(Decimal(value).quantize(CENT))
