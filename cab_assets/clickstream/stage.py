"""Staging: a Structured Streaming query that only writes files, each micro-batch to a folder of its
own.

The query knows nothing of commits, and its checkpoint is thrown away with it, so a query that
outlives its run can leave folders that nobody committed, and nothing else. It is never far ahead of
the commits, so it soon stands still, and ends itself when nobody has taken what it staged, or when
it is older than a run's query may be.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cab_assets.clickstream.batch import Range, batch_path
from cab_assets.clients.click_topic import READ_COMMITTED, ClickTopic, Offsets
from cab_assets.clients.deadline import within
from cab_assets.clients.failures import failure
from cab_assets.clients.lake import Lake
from cab_assets.errors import Unavailable
from cab_assets.schemas import CLICKSTREAM_BATCHES
from cab_assets.store.manifest import MANIFEST
from cab_assets.transforms.clickstream import read_clicks

CHECKPOINTS = f"{CLICKSTREAM_BATCHES.name}/_checkpoints"
START_SECONDS = 45  # a warm server takes 2, one that was just started 10
ANSWER_TIMEOUT_SECONDS = 10
# After two answers of HiveServer2 that never came, the run must still end within a minute
STOP_SECONDS = 5
# A query is stopped by its run after so long and started anew; one whose run was killed ends itself
# a minute later
QUERY_SECONDS = 900
ORPHAN_SECONDS = QUERY_SECONDS + 60
# Batches that may be staged and not taken: enough to keep staging busy while the run commits
AHEAD = 3
# A batch is taken within a second; longer than a run waits for HiveServer2 before it gives up
TAKEN_SECONDS = 75
# What one task reads: a large batch keeps all cores busy to its end, a small one stays in few files
TASK_OFFSETS = 100_000
# With Kafka's defaults, reading takes a third longer
CONSUMER = {
    "kafka.max.poll.records": 5_000,
    "kafka.max.partition.fetch.bytes": 4 << 20,
}
RARELY_TWICE = [
    column.name
    for column in CLICKSTREAM_BATCHES.columns
    if column.type in ("bigint", "double", "timestamp")
]
PARQUET = {"compression": "zstd"} | {
    f"parquet.enable.dictionary#{name}": "false" for name in RARELY_TWICE
}


class StagingFailed(Unavailable):
    """The streaming query ended or does not answer."""


@dataclass(frozen=True)
class Rules:
    """What makes a record usable, and how many of them make a batch."""

    start_date: date
    zone: str
    max_offsets: int


@dataclass
class Query:
    """A running query: the batches it has staged, in their order."""

    lake: Lake
    name: str  # folders are `<name>-<n>`
    start: Offsets
    handle: Any
    _next: int = 0
    born: float = field(default_factory=time.monotonic)

    def staged(self) -> tuple[str, tuple[Range, ...]] | None:
        """The next batch that Spark says is done: its folder and ranges; None if there
        is none yet.
        """
        if not self.lake.info(f"{self._checkpoint}/commits/{self._next}").is_file:
            return None
        ends = self._offsets(self._next)
        starts = self._offsets(self._next - 1) if self._next else self.start
        folder = f"{self.name}-{self._next}"
        self._next += 1
        return folder, tuple(
            Range(partition=each, start=starts.get(each, 0), end=end)
            for each, end in sorted(ends.items())
        )

    def check(self) -> None:
        """An error with Spark's own reason, StagingFailed if nothing else, if the query is no
        longer at work.
        """
        try:
            ended = within(ANSWER_TIMEOUT_SECONDS, self._ended)
        except TimeoutError as timeout:
            raise StagingFailed(
                f"Spark does not say what the streaming query does ({timeout}); see `cab doctor`,"
                " then run again"
            ) from timeout
        if ended:
            raise failure("the streaming query ended", ended, StagingFailed)

    def _ended(self) -> str | None:
        """What the query ended of; None while it is at work."""
        return None if self.handle.isActive else str(self.handle.exception() or "without an error")

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.born > QUERY_SECONDS

    @property
    def _checkpoint(self) -> str:
        return f"{CHECKPOINTS}/{self.name}"

    def _offsets(self, number: int) -> Offsets:
        """The end of micro-batch `number`, from Spark's log of offsets: version, metadata, then one
        line for the topic.
        """
        (ends,) = json.loads(
            self.lake.read(f"{self._checkpoint}/offsets/{number}").decode().splitlines()[2]
        ).values()
        return {int(partition): int(end) for partition, end in ends.items()}


@contextmanager
def staging(
    session: SparkSession,
    lake: Lake,
    topic: ClickTopic,
    start: Offsets,
    rules: Rules,
    *,
    name: str,
    every_seconds: float,
) -> Iterator[Query]:
    """A query from `start` on, at work until the block ends."""
    records = (
        session.readStream.format("kafka")
        .option("kafka.isolation.level", READ_COMMITTED)
        .option("startingOffsets", json.dumps({topic.name: start}))
        .option("maxOffsetsPerTrigger", rules.max_offsets)
        .option("maxRecordsPerPartition", TASK_OFFSETS)
        .options(**CONSUMER)
        .options(**topic.for_spark())
        .load()
    )
    writer = (
        read_clicks(records, start_date=rules.start_date, zone=rules.zone)
        .writeStream.foreachBatch(
            files_writer(lake.url(batch_path(name)), MANIFEST, ORPHAN_SECONDS)
        )
        .option("checkpointLocation", lake.url(f"{CHECKPOINTS}/{name}"))
        .trigger(processingTime=f"{every_seconds:g} seconds")
    )
    try:
        query = Query(lake, name, start, within(START_SECONDS, writer.start))
    except TimeoutError as timeout:
        raise StagingFailed(
            f"Spark does not start the streaming query ({timeout}); see `cab doctor`, then run"
            " again"
        ) from timeout
    try:
        yield query
    finally:
        stop(query)


def stop(query: Query) -> None:
    """End the query and throw its checkpoint away.

    A server that does not answer keeps the query, which ends itself.
    """
    try:
        within(STOP_SECONDS, query.handle.stop)
    except (TimeoutError, PySparkException):
        return
    query.lake.files.delete_dir(f"{CHECKPOINTS}/{query.name}")


def files_writer(
    prefix: str,
    manifest: str,
    lifetime: float,
    *,
    ahead: int = AHEAD,
    patience: float = TAKEN_SECONDS,
) -> Callable[[Any, int], None]:
    """What the server calls for each micro-batch: it imports nothing of ours, and writes to
    `<prefix>-<n>`.

    It waits until the batch `ahead` before it has its manifest, which a run writes when it commits.
    """
    first_call: list[float] = []

    def write(batch: Any, number: int) -> None:
        import time as clock

        from pyspark.errors import AnalysisException

        def is_taken(path: str) -> bool:
            try:
                return bool(batch.sparkSession.read.format("binaryFile").load(path).schema)
            except AnalysisException:
                return False

        began = clock.monotonic()
        first_call.append(began)
        while number >= ahead and not is_taken(f"{prefix}-{number - ahead}/{manifest}"):
            clock.sleep(0.1)
            if clock.monotonic() - began > patience:
                raise RuntimeError(
                    "nobody takes what this query stages, so whoever started it is gone"
                )
        if began - first_call[0] > lifetime:
            raise RuntimeError(
                "nobody has stopped this query in time, so whoever started it is gone"
            )
        batch.write.mode("overwrite").options(**PARQUET).parquet(f"{prefix}-{number}")

    return write
