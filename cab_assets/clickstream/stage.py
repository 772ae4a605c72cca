"""Staging: a Structured Streaming query that writes each micro-batch to a folder of its own.

The query never commits, and its checkpoint is deleted when it stops. A query that outlives its run
can therefore only leave uncommitted folders behind. It stages at most three batches ahead of the
last commit. It ends itself if no commit follows within 75 s, or if it is a minute past its age
limit.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from cab_assets.clickstream.batch import batch_path
from cab_assets.clickstream.batch_writer import files_writer
from cab_assets.clickstream.query import CHECKPOINTS, QUERY_SECONDS, Query, StagingFailed
from cab_assets.clients.click_topic import READ_COMMITTED, ClickTopic
from cab_assets.clients.deadline import within
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets
from cab_assets.store.manifest import MANIFEST
from cab_assets.transforms.clickstream import read_clicks

# Time-out for starting a query: a warm server needs 2 s, one that was just started 10 s
START_SECONDS = 45
NOT_STARTED = "Spark does not start the streaming query ({}); run `cab doctor`, then run again"
# Time-out for stopping a query: after two time-outs of HiveServer2, the run must still end within a
# minute
STOP_SECONDS = 5
# Age in seconds at which a query that its run did not stop ends itself
ORPHAN_SECONDS = QUERY_SECONDS + 60
# Offsets that one task reads: a large batch is split over all cores, a small one is in few files
TASK_OFFSETS = 100_000
# Larger fetches than Kafka's defaults: fewer round trips for each task
CONSUMER = {"kafka.max.poll.records": 5_000, "kafka.max.partition.fetch.bytes": 4 << 20}


@dataclass(frozen=True)
class Rules:
    """The settings for validating records, and the maximum number of offsets of a batch."""

    start_date: date
    zone: str
    max_offsets: int


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
    """Start a query at the offsets `start`, and stop it when the block ends."""
    records = _records(session, topic, start, rules)
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
        raise StagingFailed(NOT_STARTED.format(timeout)) from timeout
    try:
        yield query
    finally:
        stop(query)


def _records(session: SparkSession, topic: ClickTopic, start: Offsets, rules: Rules) -> DataFrame:
    """Return the stream of the topic's records."""
    return (
        session.readStream.format("kafka")
        .option("kafka.isolation.level", READ_COMMITTED)
        .option("startingOffsets", json.dumps({topic.name: start}))
        .option("maxOffsetsPerTrigger", rules.max_offsets)
        .option("maxRecordsPerPartition", TASK_OFFSETS)
        .options(**CONSUMER)
        .options(**topic.for_spark())
        .load()
    )


def stop(query: Query) -> None:
    """Stop the query and delete its checkpoint.

    If the server does not answer, the query goes on; it ends itself later.
    """
    try:
        within(STOP_SECONDS, query.handle.stop)
    except (TimeoutError, PySparkException):
        return
    query.lake.files.delete_dir(f"{CHECKPOINTS}/{query.name}")
