"""What `cab doctor` tries of each part, with the user's own settings and by the code
that runs use.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

import pyarrow.fs as pafs
from pyspark.sql import DataFrame, SparkSession

from cab_assets.cli.scratch import PARTS, Scratch, SeenOtherwise
from cab_assets.clients.clocks import raise_if_clock_differs, raise_if_zone_differs
from cab_assets.clients.failures import CatalogsDiffer, KafkaHidden
from cab_assets.clients.lake import LakeRefused
from cab_assets.clients.spark import SparkFailed
from cab_assets.errors import CabError
from cab_assets.schemas import (
    BOOKING_AGGREGATES,
    BOOKINGS,
    CLICKS,
    CLICKSTREAM_BATCHES,
    REJECTS,
    Table,
)
from cab_assets.store.declare import declare_table
from cab_assets.store.pointers import Pointers
from cab_assets.transforms.clickstream import read_clicks
from cab_assets.wiring import Clients

HIVE_SECONDS, LOOK_SECONDS = (
    45,
    20,
)  # the first query of an Apache Hive just started took over 20, a count over an index takes one
TABLES = (BOOKINGS, BOOKING_AGGREGATES, CLICKSTREAM_BATCHES, CLICKS, REJECTS)
OF_SPARK = (CLICKSTREAM_BATCHES, CLICKS, REJECTS)  # tables whose files Spark writes
BRIEFLY = {
    "kafka.request.timeout.ms": "5000",
    "kafka.default.api.timeout.ms": "10000",
    "fetchOffset.numRetries": "1",
}  # Spark itself asks for minutes
RECORD = (b'{"customer_id": 1}', "doctor", 0, 0, datetime(2020, 1, 1, tzinfo=UTC))
FROM_KAFKA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"


class LakeUnreachable(CabError):
    """This process does not reach the lake, or may not write there."""


@dataclass(frozen=True)
class Trials(Clients):
    """The clients, and what one examination makes with them."""

    hive_seconds: int = HIVE_SECONDS
    undo: ExitStack = field(default_factory=ExitStack)  # what takes away again whatever was made

    @cached_property
    def scratch(self) -> Scratch:
        return Scratch(self.lake)

    def ask_database(self) -> str:
        """As an import reads, of no time at all."""
        db = self.bookings_db
        lost = db.rows_without_a_day(
            self.env.start_date, seconds=min(self.env.statement_seconds, LOOK_SECONDS)
        )
        with db.day(datetime.now(self.env.timezone).date()) as day:
            list(replace(day, end=day.start).slices())
        return (
            f"{self.env.bookings_db_url}: table {self.env.bookings_table} has every column we"
            " import" + (f"; {lost} rows belong to no day" if lost else "")
        )

    def clocks(self) -> str:
        asked = datetime.now(UTC)
        clocks = self.bookings_db.clocks()
        raise_if_clock_differs(str(self.env.bookings_db_url), clocks.moment, asked)
        raise_if_zone_differs(str(self.env.bookings_db_url), clocks, self.env.timezone)
        apart = abs(clocks.moment - asked).total_seconds()
        return (
            f"the database's is {apart:.1f} s from ours; its sessions run in UTC; a day ends by the"
            f" clock of {self.env.timezone.key}"
        )

    def kafka(self) -> str:
        topic = self.click_topic.look()
        records = sum(topic.ends.values()) - sum(topic.begins.values())
        there = (
            f"topic {self.env.clickstream_topic} holds {records:,} records in {len(topic.ends)}"
            " partitions"
        )
        return "; ".join(
            [
                f"{self.env.kafka_bootstrap_servers}: {there}",
                *map(str, self.click_topic.held(topic)),
            ]
        )

    def write_lake(self) -> str:
        """In the root, and in the folder of each table that is there.

        Every one that fails is named.
        """
        self.undo.callback(self._delete, self.scratch.folder)
        try:
            self.scratch.write()
            there = self._there(TABLES)
        except OSError as error:
            raise LakeUnreachable(
                f"this process does not reach {self.lake.root}, or may not write there: {error}."
                " Check CAB_LAKE_ROOT"
            ) from error
        if locked := [
            problem for name in (self.scratch.folder, *there) if (problem := self._locked(name))
        ]:
            raise LakeUnreachable(
                f"{'; '.join(locked)}. Give the user of this process the right to read, write and"
                " delete there"
            )
        return f"{self.env.lake_root}: written, read and deleted" + (
            f", also in {' and '.join(there)}" if there else ""
        )

    def _there(self, tables: Iterable[Table]) -> list[str]:
        """Those whose folder is."""
        return [
            table.name
            for table in tables
            if self.lake.files.get_file_info(table.name).type == pafs.FileType.Directory
        ]

    def _locked(self, folder: str) -> str | None:
        """Why this process cannot work in a folder of the lake."""
        path = f"{folder}/_{self.scratch.name}"
        try:
            self.lake.write(path, b"written")
            try:
                self.lake.read(path)
            finally:
                self.lake.files.delete_file(path)
        except (LakeRefused, OSError) as error:
            return f"{folder}: {error.__cause__ or error}"
        return None

    def ask_hive(self) -> str:
        self.undo.callback(self.hive.close)
        return f"{self.env.hive_url}: {len(self.hive.execute('SHOW TABLES'))} tables"

    def declare(self) -> str:
        """What publishing does, on a table of its own."""
        one, two = (self.lake.url(self.scratch.path(part)) for part in PARTS)
        pointers = Pointers(self.hive, self.scratch.table)
        self.undo.callback(self.hive.execute, f"DROP TABLE IF EXISTS {pointers.name}")
        declare_table(self.hive, pointers.table, self.lake.url(self.scratch.folder))
        pointers.claim("1", one)
        pointers.move({"1": two})
        if (found := pointers.location("1")) != two:
            raise SeenOtherwise(
                f"a partition was told to point at {two}, and Hive describes {found}; publishing"
                " would never settle"
            )
        return f"table {pointers.name} made, a partition added, moved and described"

    def read_by_hive(self) -> str:
        rows = self.hive.execute(
            f"SELECT {', '.join(self.scratch.as_text())} FROM {self.hive.name(self.scratch.name)}"
        )
        self.scratch.compare("HiveServer2", "two", rows)
        return "HiveServer2 shows what this process wrote, times included"

    def ask_spark(self) -> str:
        version = self.spark.run(
            lambda session: f"Spark {session.version} counts to {session.range(3).count()}"
        )
        return f"{self.spark.where}: {version}"

    def read_by_spark(self) -> str:
        where, text = self.lake.url(self.scratch.path("one")), self.scratch.as_text()
        self.scratch.compare(
            "Spark",
            "one",
            self._rows(
                lambda session: (
                    session.read.schema(self.scratch.table.ddl).parquet(where).selectExpr(*text)
                )
            ),
        )
        return "Spark shows what this process wrote, times included"

    def write_by_spark(self) -> str:
        """Into folders that others may have made, and what it writes is ours to delete."""
        there = self._there(OF_SPARK)
        for folder in (self.scratch.folder, *there):
            self._write_by_spark(f"{folder}/_{self.scratch.name}")
        return "this process sees and deletes what Spark writes" + (
            f", also in {' and '.join(there)}" if there else ""
        )

    def _write_by_spark(self, folder: str) -> None:
        url = self.lake.url(folder)
        try:
            self.spark.run(lambda session: session.range(1).write.parquet(url))
            if not any(info.base_name.endswith(".parquet") for info in self.lake.list(folder)):
                raise SeenOtherwise(
                    f"Spark wrote {url}, and this process sees nothing there; is CAB_LAKE_ROOT the"
                    " same place for both?"
                )
        finally:
            self._delete(folder)

    def _delete(self, folder: str) -> None:
        if self.lake.files.get_file_info(folder).type == pafs.FileType.Directory:
            self.lake.files.delete_dir(folder)

    def read_table_by_spark(self) -> str:
        name = f"{self.hive.database}.{self.scratch.name}"
        if not self.env.spark_remote:
            return (
                "not asked: a Spark that runs start for themselves is nobody else's, and runs read"
                " by folders"
            )
        try:
            rows = self._rows(
                lambda session: session.table(name).selectExpr(*self.scratch.as_text())
            )
        except SparkFailed as error:
            raise CatalogsDiffer(
                f"{error}. Runs do without, whoever reads tables in that Spark does not: give it"
                " HiveServer2's metastore"
            ) from error
        self.scratch.compare("Spark, by the table's name,", "two", rows)
        return "Spark knows the tables of HiveServer2"

    def _rows(self, query: Callable[[SparkSession], DataFrame]) -> list[tuple[object, ...]]:
        found = self.spark.run(lambda session: query(session).toArrow())
        return [tuple(row.values()) for row in found.to_pylist()]

    def read_clicks(self) -> str:
        def rows(session: SparkSession) -> DataFrame:
            return read_clicks(
                session.createDataFrame([RECORD], FROM_KAFKA),
                start_date=self.env.start_date,
                zone=self.env.timezone.key,
            )

        self._rows(rows)
        return "Spark's Python workers have what reading clicks needs"

    def read_topic(self) -> str:
        """No record: from each partition's start to there."""
        topic = self.click_topic
        begins = json.dumps({topic.name: topic.look().begins})
        options = topic.for_spark() | BRIEFLY | {"startingOffsets": begins, "endingOffsets": begins}
        try:
            self.spark.run(
                lambda session: (
                    session.read.format("kafka").options(**options).load().select("offset").count()
                )
            )
        except SparkFailed as error:
            remedy = "let Spark's machines reach each broker at the address that it advertises"
            raise KafkaHidden(f"{error}. This process reaches {topic.servers}: {remedy}") from error
        return "Spark reaches the topic"

    def clear(self) -> str:
        self.undo.close()
        return "nothing of this is left"
