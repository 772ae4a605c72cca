"""`clicks` and `rejects`: which rows of a batch are whose, and how a day takes them up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cab_assets.clickstream.batch import Batch, Place, batch_path
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError
from cab_assets.schemas import CLICKS, CLICKSTREAM_BATCHES, REJECTS, Table
from cab_assets.store.folders import AS_LISTED, Differences
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay
from cab_assets.transforms.folding import fold_clicks, fold_rejects


@dataclass(frozen=True)
class Due:
    """A day, its newest version, and the committed batches whose rows are not in it yet."""

    day: StoredDay
    current: Manifest | None
    batches: tuple[Batch, ...] = ()
    found: Differences = AS_LISTED  # how the folder of the newest version differs from its manifest
    fault: CabError | None = None  # why the batches it lacks are not known

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
    """A table that days of the clickstream are folded into."""

    table: Table
    moment: str  # the timestamp whose date is the day
    # The days of a batch, and how many records each gets
    days_of: Callable[[Batch], Mapping[str, int]]
    is_ours: Callable[[], Column]  # which rows of a batch the table takes
    # Rows before, rows of batches -> rows
    folded: Callable[[DataFrame, DataFrame, list[Due]], DataFrame]

    def write(self, session: SparkSession, lake: Lake, due: list[Due], version: str) -> None:
        """Write the new version of every day in one job, each to its own folder.

        What it holds is audited afterwards.
        """
        folded = self.folded(
            self._current(session, lake, due), self._records(session, lake, due), due
        )
        (
            folded.withColumn("version", F.lit(version))
            .hint("rebalance", self.table.partition_column)  # a file a day, several for a large one
            .write.mode("overwrite")
            # Staged apart: two jobs into one table do not see each other's files
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
        """Return the rows of the batches, each only for the days that lack it."""
        day = self.table.partition_column
        lacking = sorted({(each.day.date, batch.folder) for each in due for batch in each.batches})
        if not lacking:
            return session.createDataFrame([], CLICKSTREAM_BATCHES.ddl).withColumn(day, F.lit(""))
        folders = sorted({folder for _, folder in lacking})
        rows = session.read.schema(CLICKSTREAM_BATCHES.ddl).parquet(
            *(lake.url(batch_path(folder)) for folder in folders)
        )
        return (
            rows.filter(self.is_ours())
            .withColumn(day, F.date_format(self.moment, "yyyy-MM-dd"))
            .withColumn("folder", F.regexp_extract("_metadata.file_path", "([^/]+)/[^/]+$", 1))
            .join(
                F.broadcast(session.createDataFrame(lacking, f"{day} string, folder string")),
                on=[day, "folder"],
                how="left_semi",
            )
        )


def _refused_days(batch: Batch) -> Mapping[str, int]:
    return dict.fromkeys(batch.removed, 0) | batch.contents.ingest_dates


def _folded_rejects(current: DataFrame, records: DataFrame, due: list[Due]) -> DataFrame:
    removed_by_replay = {place for each in due for place in each.removed_by_replay}
    return fold_rejects(current, records, places(current.sparkSession, removed_by_replay))


CLICK_DAYS = DayTable(
    table=CLICKS,
    moment="event_timestamp",
    days_of=lambda batch: batch.contents.event_dates,
    is_ours=lambda: F.col("reasons").isNull(),
    folded=lambda current, records, due: fold_clicks(current, records),  # noqa: ARG005  no click is ever taken out
)
REJECT_DAYS = DayTable(
    table=REJECTS,
    moment="kafka_timestamp",
    days_of=_refused_days,
    is_ours=lambda: F.col("reasons").isNotNull(),
    folded=_folded_rejects,
)
DAY_TABLES = (CLICK_DAYS, REJECT_DAYS)


def places(session: SparkSession, wanted: Iterable[Place]) -> DataFrame:
    """Return positions as rows."""
    rows = [(each.topic, each.kafka_partition, each.kafka_offset) for each in wanted]
    return session.createDataFrame(rows, "topic string, kafka_partition int, kafka_offset bigint")
