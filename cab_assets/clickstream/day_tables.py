"""The daily tables `clicks` and `rejects`.

Which rows of a batch belong to which table, and how they are merged into a day.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cab_assets.clickstream.batch import Batch, Place, batch_path
from cab_assets.clients.lake import Lake
from cab_assets.declarations import Table
from cab_assets.errors import CabError
from cab_assets.store.folders import AS_LISTED, Differences
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS
from cab_assets.transforms.folding import fold_clicks, fold_rejects


@dataclass(frozen=True)
class Due:
    """A day, its newest version, and the committed batches that are not merged into it yet."""

    day: StoredDay
    current: Manifest | None
    batches: tuple[Batch, ...] = ()
    # How the folder of the newest version differs from its manifest
    found: Differences = AS_LISTED
    # Why it is not known which batches are missing in the day
    fault: CabError | None = None

    @property
    def is_behind(self) -> bool:
        """Return whether the day needs a new version."""
        return bool(self.batches or self.fault or self.found.first or self.current is None)

    @property
    def removed_by_replay(self) -> set[Place]:
        """Return the rejected records of the day that a batch replayed."""
        return {place for batch in self.batches for place in batch.removed.get(self.day.date, ())}


@dataclass(frozen=True)
class DayTable:
    """A daily table into which batches are folded."""

    table: Table
    # The timestamp whose date is the day
    moment: str
    # The days that a batch has rows for, with the number of records of each
    days_of: Callable[[Batch], Mapping[str, int]]
    # The condition for the rows of a batch that belong to this table
    belongs: Callable[[], Column]
    # (current rows, rows of batches, days) -> new rows
    folded: Callable[[DataFrame, DataFrame, list[Due]], DataFrame]

    def write(self, session: SparkSession, lake: Lake, due: list[Due], version: str) -> None:
        """Write the new versions of all days in one Spark job, each to its own folder.

        They are validated afterwards.
        """
        folded = self.folded(
            self._current(session, lake, due), self._records(session, lake, due), due
        )
        (
            folded.withColumn("version", F.lit(version))
            # One file for each day, several for a large day
            .hint("rebalance", self.table.partition_column)
            .write.mode("overwrite")
            # Each job stages its files in its own folder, so jobs that run at once do not conflict
            .option("partitionOverwriteMode", "dynamic")
            .option("compression", "zstd")
            .partitionBy(self.table.partition_column, "version")
            .parquet(lake.url(self.table.name))
        )

    def _current(self, session: SparkSession, lake: Lake, due: list[Due]) -> DataFrame:
        """Return the rows of the newest versions, from the files that their manifests list."""
        files = [url for each in due if each.current for url in each.day.urls(each.current)]
        schema = f"{self.table.ddl}, {self.table.partition_column} string, version string"
        if not files:
            return session.createDataFrame([], schema)
        return (
            session.read.schema(schema)
            .option("basePath", lake.url(self.table.name))
            .parquet(*files)
        )

    def _records(self, session: SparkSession, lake: Lake, due: list[Due]) -> DataFrame:
        """Return the rows of the batches, of each batch only for the days into which it is due."""
        day = self.table.partition_column
        lacking = sorted({(each.day.date, batch.folder) for each in due for batch in each.batches})
        if not lacking:
            return session.createDataFrame([], CLICKSTREAM_BATCHES.ddl).withColumn(day, F.lit(""))
        folders = sorted({folder for _, folder in lacking})
        rows = session.read.schema(CLICKSTREAM_BATCHES.ddl).parquet(
            *(lake.url(batch_path(folder)) for folder in folders)
        )
        return (
            rows.filter(self.belongs())
            .withColumn(day, F.date_format(self.moment, "yyyy-MM-dd"))
            .withColumn("folder", F.regexp_extract("_metadata.file_path", "([^/]+)/[^/]+$", 1))
            .join(
                F.broadcast(session.createDataFrame(lacking, f"{day} string, folder string")),
                on=[day, "folder"],
                how="left_semi",
            )
        )


def _reject_days(batch: Batch) -> Mapping[str, int]:
    return dict.fromkeys(batch.removed, 0) | batch.contents.ingest_dates


def _folded_rejects(current: DataFrame, records: DataFrame, due: list[Due]) -> DataFrame:
    removed_by_replay = {place for each in due for place in each.removed_by_replay}
    return fold_rejects(current, records, places(current.sparkSession, removed_by_replay))


CLICK_DAYS = DayTable(
    table=CLICKS,
    moment="event_timestamp",
    days_of=lambda batch: batch.contents.event_dates,
    belongs=lambda: F.col("reasons").isNull(),
    # Clicks are only added, never removed, so the days are not needed
    folded=lambda current, records, due: fold_clicks(current, records),  # noqa: ARG005
)
REJECT_DAYS = DayTable(
    table=REJECTS,
    moment="kafka_timestamp",
    days_of=_reject_days,
    belongs=lambda: F.col("reasons").isNotNull(),
    folded=_folded_rejects,
)
DAY_TABLES = (CLICK_DAYS, REJECT_DAYS)


def places(session: SparkSession, wanted: Iterable[Place]) -> DataFrame:
    """Return positions as rows."""
    rows = [(each.topic, each.kafka_partition, each.kafka_offset) for each in wanted]
    return session.createDataFrame(rows, "topic string, kafka_partition int, kafka_offset bigint")
