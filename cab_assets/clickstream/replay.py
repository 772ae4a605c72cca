"""Replay: validate rejected records again by the current rules, and commit those that now pass.

Such a commit moves no offsets. It names the records that it removes from `rejects`. A commit that
names a record which another one already removed is discarded.
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
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder, raise_if_old
from cab_assets.clients.hive_errors import NoSuchTable
from cab_assets.clients.known_failures import Refused
from cab_assets.clients.spark import Spark
from cab_assets.errors import CabError, Unavailable
from cab_assets.schemas import PLACE_KEY, REJECTS
from cab_assets.store.table_store import Manifests, TableStore

PLACES_A_COMMIT = 50_000  # they are named in the manifest: 5 MB
TRIES = 10  # in a row in which another replay was first

LOOKS = 5  # in a row in which a version was deleted while it was read; folds are minutes apart

Read = Callable[[DataFrame], DataFrame]  # records of Kafka -> clicks, as `read_clicks` does it


class OthersWereFirst(CabError):
    """Another replay committed the same records, several times in a row."""


class VersionsChange(Unavailable):
    """The versions were deleted while they were read, several times in a row."""


@dataclass(frozen=True)
class Replay:
    """One go at the quarantine."""

    ledger: Ledger
    spark: Spark
    read: Read
    days: tuple[str, ...] | None = None  # ingest dates; None: all
    reason: str | None = None  # only records with this reason

    def run(self) -> Iterator[Batch]:
        """Commit the records that now pass, in as many batches as needed; yield each of them."""
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
            f"other replays took the same records {TRIES} times in a row; what was committed before"
            " is. Run the command again when no other replay is running"
        )

    def _staged(self, newest: Batch) -> Batch | None:
        """Stage what is usable; look again if a version was replaced, and deleted, meanwhile."""
        # before the versions: a batch that is retired by now is in all that are published then
        taken = {place for batch in self.ledger.shown(newest) for place in batch.replayed}
        versions = self._versions()
        for _ in range(LOOKS):
            try:
                return self._stage(newest, versions, taken) if versions else None
            except Refused:
                before, versions = versions, self._versions()
                if versions == before:
                    raise
        raise VersionsChange(
            f"`rejects` was folded anew {LOOKS} times in a row while it was read, and what was read"
            " deleted: run the command again, or with a longer CAB_VERSION_GRACE_DAYS"
        )

    def _versions(self) -> Manifests:
        """Return the days of `rejects` as they are published now."""
        there = self._store.pointers.values()
        days = there if self.days is None else there & set(self.days)
        return {
            day: manifest for day, manifest in self._store.published(days).items() if manifest.rows
        }

    @property
    def _store(self) -> TableStore:
        return TableStore(REJECTS, self.ledger.lake, self.ledger.hive)

    def _stage(self, newest: Batch, versions: Manifests, taken: set[Place]) -> Batch | None:
        """Write what is usable now; None if nothing is."""
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
            number=0,  # the commit gives it one
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
        refused = self._refused(session, versions).join(
            places(session, taken), on=list(PLACE_KEY), how="left_anti"
        )
        usable = (
            self.read(as_records(refused)).filter(F.col("reasons").isNull()).limit(PLACES_A_COMMIT)
        )
        usable.coalesce(1).write.option("compression", "zstd").parquet(
            self.ledger.lake.url(batch_path(folder))
        )

    def _refused(self, session: SparkSession, versions: Manifests) -> DataFrame:
        files = [
            url for day, manifest in versions.items() for url in self._store.day(day).urls(manifest)
        ]
        rows = session.read.schema(REJECTS.ddl).parquet(*files)
        return rows.filter(F.array_contains("reasons", self.reason)) if self.reason else rows


def reasons_there(ledger: Ledger) -> set[str]:
    """Return the reasons in `rejects`; older rules had others."""
    each = f"SELECT explode(reasons) AS reason FROM {ledger.hive.name(REJECTS.name)}"
    try:
        rows = ledger.hive.execute(f"SELECT DISTINCT reason FROM ({each}) r")
    except NoSuchTable:
        return set()
    return {reason for (reason,) in rows}


def as_records(refused: DataFrame) -> DataFrame:
    """Return rejected rows in the columns of Kafka's source."""
    return refused.select(
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
