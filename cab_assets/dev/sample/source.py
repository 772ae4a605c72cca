"""The source table of bookings, for the code that fills it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from cab_assets.tables.bookings import BOOKINGS

# Length of the varchar columns, in characters
TEXT_WIDTH = 40


@dataclass(frozen=True)
class FilledTable(ABC):
    """A source table. `name` is table or schema.table; `cursor` has its own connection."""

    name: str
    cursor: Any

    # Hive type -> type in the source
    types: ClassVar[dict[str, str]]
    begin: ClassVar[str] = "BEGIN"

    @abstractmethod
    def create(self) -> None:
        """Create the table and its index on pickup_timestamp if they are missing."""

    @abstractmethod
    def insert_missing(self, rows: pa.RecordBatch) -> int:
        """Insert the rows whose booking_id is missing, and return their number."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction. If it fails, closing the connection rolls it back."""
        self.cursor.execute(self.begin)
        yield
        self.cursor.execute("COMMIT")

    def holds(self) -> tuple[int, int]:
        """Return the number of rows of the table, and of the days that have rows."""
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
