"""The source's table of bookings, as whoever fills it sees it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from cab_assets.schemas import BOOKINGS

TEXT_WIDTH = 40


@dataclass(frozen=True)
class FilledTable(ABC):
    """`name` is table or schema.table; `cursor` belongs to a connection of its own."""

    name: str
    cursor: Any

    types: ClassVar[dict[str, str]]  # Hive type -> the source's
    begin: ClassVar[str] = "BEGIN"

    @abstractmethod
    def create(self) -> None:
        """Make the table and its index on pickup_timestamp, where they are missing."""

    @abstractmethod
    def insert_missing(self, rows: pa.RecordBatch) -> int:
        """Add the rows whose booking_id is missing, and return their number."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction: closing the connection without COMMIT undoes it."""
        self.cursor.execute(self.begin)
        yield
        self.cursor.execute("COMMIT")

    def holds(self) -> tuple[int, int]:
        """Return how many rows the table holds, and on how many days."""
        days = (
            "SELECT CAST(pickup_timestamp AS date) AS pickup_day, count(*) AS bookings FROM"
            f" {self.name} GROUP BY 1"
        )
        self.cursor.execute(
            f"SELECT coalesce(sum(bookings), 0), count(pickup_day) FROM ({days}) AS days"
        )
        rows, days_held = self.cursor.fetchone()
        return int(rows), int(days_held)

    @property
    def _columns(self) -> str:
        return ", ".join(BOOKINGS.names)

    @property
    def _ddl(self) -> str:
        columns = ", ".join(
            f"{column.name} {self.types[column.type]}" for column in BOOKINGS.columns
        )
        return f"{columns}, PRIMARY KEY (booking_id)"
