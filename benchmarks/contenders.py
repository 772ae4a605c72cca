"""Ways to bring one day of bookings out of PostgreSQL: ours, and those it is held against."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlparse

import connectorx
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import bookings_day

COLUMNS = ", ".join(BOOKINGS.names)


@dataclass(frozen=True)
class OneDay:
    """A day in the source, and a folder to bring it to."""

    db: BookingsDb
    day: date
    folder: Path

    def whole_import(self) -> None:
        """What `raw_bookings` does: control figures, rows, Parquet, read-back audit, SHA-256,
        manifest.
        """
        shutil.rmtree(self.folder / "lake", ignore_errors=True)
        (self.folder / "lake").mkdir()
        imported = import_day(
            self.db, bookings_day(Lake(f"file://{self.folder}/lake"), self.day), "bench"
        )
        if not imported.manifest.passed:
            raise AssertionError(imported.manifest.findings)

    def binary_copy(self) -> None:
        """The rows as PostgreSQL hands them out fastest, dropped on arrival: the limit of any
        import over one connection.
        """
        received = 0
        with (
            self.db.cursor() as cursor,
            cursor.copy(f"COPY ({self._slices(1)[0]}) TO STDOUT (FORMAT binary)") as rows,
        ):
            for block in rows:
                received += len(block)

    def bare_connectorx(self) -> None:
        """ConnectorX's two slices to Parquet as they come: no snapshot, no check, no schema."""
        reader = connectorx.read_sql(
            self.db.dialect.url, self._slices(2), return_type="arrow_stream", batch_size=50_000
        )
        first = next(iter(reader))
        with pq.ParquetWriter(
            self.folder / "bare.parquet", first.schema, compression="zstd"
        ) as writer:
            writer.write_batch(first)
            for batch in reader:
                writer.write_batch(batch)

    def spark_jdbc(self, spark: SparkSession, predicates: int) -> None:
        """Spark's own reader, as it comes or with predicates that make two tasks of it."""
        address = urlparse(self.db.dialect.address)
        url, asked = (
            f"jdbc:postgresql://{address.hostname}:{address.port}{address.path}",
            f"({self._slices(1)[0]}) AS day",
        )
        login = {
            "user": str(address.username),
            "password": self.db.dialect.password.text,
            "driver": "org.postgresql.Driver",
        }
        rows = (
            spark.read.jdbc(url, asked, predicates=self._halves(2), properties=login)
            if predicates
            else spark.read.jdbc(url, asked, properties=login)
        )
        rows.write.mode("overwrite").option("compression", "zstd").parquet(
            f"{self.folder}/spark.parquet"
        )

    def _slices(self, number: int) -> list[str]:
        return [
            f"SELECT {COLUMNS} FROM {self.db.table} WHERE {half}" for half in self._halves(number)
        ]

    def _halves(self, number: int) -> list[str]:
        noon, end = f"{self.day} 12:00:00", f"{self.day + timedelta(1)}"
        edges = [str(self.day), end] if number == 1 else [str(self.day), noon, end]
        return [
            f"pickup_timestamp >= '{first}' AND pickup_timestamp < '{last}'"
            for first, last in pairwise(edges)
        ]


@contextmanager
def spark_with(driver: Path) -> Iterator[SparkSession]:
    """A Spark of its own on both cores; 4 GB, for as it comes it holds the whole result."""
    builder = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.extraClassPath", str(driver))
    )
    session = (
        builder.config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()
