"""Replay: validate rejected records again by the current rules, and commit those that now pass.

Such a batch has no offset ranges. Its manifest names the records that it removes from `rejects`. A
batch that names a record which another batch already removed is discarded.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cab_assets.clickstream.audit import read_contents
from cab_assets.clickstream.batch import Batch, Place, batch_path
from cab_assets.clickstream.day_tables import places
from cab_assets.clickstream.errors import OthersWereFirst, RejectsHidden, VersionsChange
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder, raise_if_old
from cab_assets.clients.hive_errors import NoSuchTable
from cab_assets.clients.known_failures import Refused
from cab_assets.clients.spark import Spark
from cab_assets.store.table_store import Manifests, TableStore
from cab_assets.tables.clicks import PLACE_KEY, REJECTS

# Upper bound of records in a batch: the manifest names each, which takes about 5 MB for so many
PLACES_A_COMMIT = 50_000
# Give up after so many attempts in a row in which another replay has committed first
TRIES = 10
# Give up after so many attempts in a row in which a version was deleted while it was read. Folds
# are minutes apart
READ_TRIES = 5

# Kafka records -> clicks, as `read_clicks` returns them
Read = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Replay:
    """One attempt to reprocess rejected records."""

    ledger: Ledger
    spark: Spark
    read: Read
    # Ingest dates; None means all
    days: tuple[str, ...] | None = None
    # Only records that have this reason; None means all
    reason: str | None = None

    def run(self) -> Iterator[Batch]:
        """Commit the records that now pass, in as many batches as needed; yield each batch."""
        tries = 0
        while tries < TRIES:
            newest = self.ledger.newest()
            staged = self._staged(newest) if newest else None
            if newest is None or staged is None:
                return
            raise_if_old(staged.folder, datetime.now(UTC))
            if committed := self.ledger.commit(staged, newest):
                yield committed
            tries = 0 if committed else tries + 1
        raise OthersWereFirst(
            f"another replay has committed the same records first, {TRIES} times in a row. Batches"
            " that this command has reported stay committed. Run it again when no other replay is"
            " running"
        )

    def _staged(self, newest: Batch) -> Batch | None:
        """Stage the records that now pass; None if there are none.

        Retry if a version was replaced and deleted while it was read.
        """
        # Read the batches before the versions: a batch that is retired after this point is already
        # contained in the versions that are read next
        taken = {place for batch in self.ledger.shown(newest) for place in batch.replayed}
        versions = self._versions()
        for _ in range(READ_TRIES):
            try:
                return self._stage(newest, versions, taken) if versions else None
            except Refused:
                before, versions = versions, self._versions()
                if versions == before:
                    raise
        raise VersionsChange(
            f"versions of `rejects` were replaced and deleted while they were read, {READ_TRIES}"
            " times in a row: run the command again, or set a longer CAB_VERSION_GRACE_DAYS"
        )

    def _versions(self) -> Manifests:
        """Return the published versions of the days of `rejects` that have rows."""
        published = self._store.pointers.values()
        if not published and any(day.newest() for day in self._store.days()):
            raise RejectsHidden
        days = published if self.days is None else published & set(self.days)
        return {
            day: manifest for day, manifest in self._store.published(days).items() if manifest.rows
        }

    @property
    def _store(self) -> TableStore:
        return TableStore(REJECTS, self.ledger.lake, self.ledger.hive)

    def _stage(self, newest: Batch, versions: Manifests, taken: set[Place]) -> Batch | None:
        """Write the records that now pass as a batch; return None if there are none."""
        folder = new_folder("replay")
        self.spark.run(lambda session: self._write(session, versions, taken, folder))
        files = [
            info.path
            for info in self.ledger.lake.list(batch_path(folder))
            if info.base_name.endswith(".parquet")
        ]
        rows = pa.concat_tables(
            self.ledger.lake.columns(path, [*PLACE_KEY, "kafka_timestamp"]) for path in files
        )
        if not rows.num_rows:
            self.ledger.lake.files.delete_dir(batch_path(folder))
            return None
        return Batch(
            # A placeholder: Ledger.commit assigns the number
            number=0,
            folder=folder,
            previous=None,
            kind="replay",
            topic=newest.topic,
            ranges=(),
            contents=read_contents(self.ledger.lake, folder),
            topics=newest.topics,
            removed=by_ingest_date(rows),
            run_id=folder,
            written=datetime.now(UTC),
        )

    def _write(
        self, session: SparkSession, versions: Manifests, taken: Iterable[Place], folder: str
    ) -> None:
        rejected = self._rejected(session, versions).join(
            places(session, taken), on=list(PLACE_KEY), how="left_anti"
        )
        passing = (
            self.read(as_records(rejected)).filter(F.col("reasons").isNull()).limit(PLACES_A_COMMIT)
        )
        passing.coalesce(1).write.option("compression", "zstd").parquet(
            self.ledger.lake.url(batch_path(folder))
        )

    def _rejected(self, session: SparkSession, versions: Manifests) -> DataFrame:
        files = [
            url for day, manifest in versions.items() for url in self._store.day(day).urls(manifest)
        ]
        rows = session.read.schema(REJECTS.ddl).parquet(*files)
        return rows.filter(F.array_contains("reasons", self.reason)) if self.reason else rows


def reasons_there(ledger: Ledger) -> set[str]:
    """Return the reasons in `rejects`, which older rules may have given."""
    each = f"SELECT explode(reasons) AS reason FROM {ledger.hive.name(REJECTS.name)}"
    try:
        rows = ledger.hive.execute(f"SELECT DISTINCT reason FROM ({each}) r")
    except NoSuchTable:
        return set()
    return {reason for (reason,) in rows}


def as_records(rejected: DataFrame) -> DataFrame:
    """Return rows of `rejects` with the columns of Spark's Kafka source."""
    return rejected.select(
        F.col("raw_value").alias("value"),
        "topic",
        F.col("kafka_partition").alias("partition"),
        F.col("kafka_offset").alias("offset"),
        F.col("kafka_timestamp").alias("timestamp"),
    )


def by_ingest_date(rows: pa.Table) -> dict[str, tuple[Place, ...]]:
    found: dict[str, list[Place]] = defaultdict(list)
    dates = pc.strftime(rows["kafka_timestamp"], format="%Y-%m-%d").to_pylist()
    for date, row in zip(dates, rows.select(list(PLACE_KEY)).to_pylist(), strict=True):
        found[date].append(Place(**row))
    return {date: tuple(group) for date, group in sorted(found.items())}
