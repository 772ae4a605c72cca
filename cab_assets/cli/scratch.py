"""A temporary folder of the lake, with a table on it, for one run of `cab doctor`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from cab_assets.clients.clocks import ZonesDisagree
from cab_assets.clients.lake import Lake
from cab_assets.declarations import Column, Table
from cab_assets.errors import CabError
from cab_assets.store.writer import parquet_options

COLUMNS = (
    Column("part", "string", "the folder that the row lies in"),
    Column("wall_clock", "timestamp", "without a zone"),
    Column("instant", "timestamp", "in UTC", instant=True),
    Column("amount", "decimal(12,2)", "exact"),
)
# A local timestamp that does not exist in Europe's time zones, so a wrong zone changes it
TIME = datetime(2020, 3, 29, 2, 30, 15, 123456)  # noqa: DTZ001
PARTS = ("one", "two")


class SeenOtherwise(CabError):
    """A program reads other content from a file than another program wrote."""


@dataclass(frozen=True)
class Scratch:
    """The folder and the table. Each has a random name, so that runs at once do not conflict."""

    lake: Lake
    name: str = field(default_factory=lambda: f"doctor_{uuid4().hex[:12]}")

    @property
    def folder(self) -> str:
        return f"_{self.name}"

    @property
    def table(self) -> Table:
        return Table(
            name=self.name,
            about="One row of a check",
            partition_column="scratch",
            key=(),
            columns=COLUMNS,
        )

    def path(self, part: str) -> str:
        return f"{self.folder}/{part}"

    def write(self) -> None:
        """Write one row for each Hive partition, in Parquet files like those of versions."""
        for part in PARTS:
            self.lake.make_folder(self.path(part))
            rows = pa.table(
                [[part], [TIME], [TIME.replace(tzinfo=UTC)], [Decimal("12.30")]],
                schema=self.table.arrow_schema,
            )
            with self.lake.files.open_output_stream(f"{self.path(part)}/part.parquet") as stream:
                pq.write_table(rows, stream, **parquet_options(self.table))

    def as_text(self) -> list[str]:
        """Return SQL expressions that have the server convert the columns to text."""
        return [f"cast({column.name} AS string)" for column in COLUMNS]

    def compare(self, reader: str, part: str, rows: Iterable[Iterable[object]]) -> None:
        """Raise SeenOtherwise if the rows are not those of the partition.

        Raises ZonesDisagree if only the timestamps differ.
        """
        expected = (part, str(TIME), str(TIME), "12.30")
        read = [tuple(row) for row in rows]
        if read == [expected]:
            return
        if len(read) == 1 and (read[0][0], read[0][3]) == (part, "12.30"):
            raise ZonesDisagree(
                f"{reader} reads {read[0][1]} for the local timestamp {TIME} and {read[0][2]} for"
                f" the instant {TIME} UTC; configure it to run in UTC (-Duser.timezone=UTC,"
                " spark.sql.session.timeZone=UTC)"
            )
        raise SeenOtherwise(
            f"{reader} reads {read} from {self.lake.url(self.path(part))}, but {[expected]} was"
            " written; check that CAB_LAKE_ROOT is the same place for it"
        )

    def clear(self) -> None:
        self.lake.files.delete_dir(self.folder)
