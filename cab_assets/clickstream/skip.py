"""Going on after one record that Spark cannot read: the records before it are committed, and it becomes a gap."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession

from cab_assets.clickstream.audit import read_back
from cab_assets.clickstream.batch import Batch, Range, TopicEnd, batch_path
from cab_assets.clickstream.gap import GapChanged, accept_gap
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.offsets import starting
from cab_assets.clickstream.stage import PARQUET, TASK_OFFSETS
from cab_assets.errors import CabError
from cab_assets.resources.click_topic import COMMITTED, ClickTopic, Offsets, TopicState
from cab_assets.resources.spark import Spark

MOST_MS = 2**63 // 1000  # Spark keeps microseconds in 64 bits


class NoSuchRecord(CabError):
    """The record that is to be passed over is none that waits and that Spark cannot read."""


@dataclass(frozen=True)
class Skip:
    """The record of a topic at a partition and an offset, to be passed over."""

    ledger: Ledger
    spark: Spark
    topic: ClickTopic
    read: Callable[[DataFrame], DataFrame]  # as `read_clicks` does it
    partition: int
    offset: int

    def check(self) -> None:
        """Raise NoSuchRecord unless the record waits, and Spark cannot read its Kafka time."""
        state, start = self._state()
        if not start.get(self.partition, 0) <= self.offset < state.ends.get(self.partition, 0):
            raise NoSuchRecord(f"{self} does not wait in the topic: see `cab lag`. Nothing was changed")
        sent = self.topic.sent_ms(self.partition, self.offset)
        if sent is None or abs(sent) < MOST_MS:
            raise NoSuchRecord(f"{self} is not one that Spark cannot read. Nothing was changed")

    def run(self) -> Iterator[Batch]:
        """Commit the records before it, and then the gap; give each batch as soon as it is committed."""
        newest = self.ledger.newest()
        state, start = self._state()
        stands = TopicEnd(id=state.id, ends=start)
        before = Range(partition=self.partition, start=start[self.partition], end=self.offset)
        if before.offsets:
            newest = self._committed(before, stands, newest)
            yield newest
        gap = Range(partition=self.partition, start=self.offset, end=self.offset + 1)
        yield accept_gap(self.ledger, self.topic.name, stands, [gap], newest)

    def _state(self) -> tuple[TopicState, Offsets]:
        state = self.topic.look()
        return state, starting(self.ledger.newest(), self.topic.name, state)

    def _committed(self, before: Range, stands: TopicEnd, newest: Batch | None) -> Batch:
        folder, lake, name = new_folder("gap"), self.ledger.lake, self.topic.name
        self.spark.run(lambda session: self._write(session, stands.ends, lake.url(batch_path(folder))))
        staged = Batch(
            number=0,  # the commit gives it one
            folder=folder,
            previous=None,
            topic=name,
            ranges=(before,),
            contents=read_back(lake, folder, name, [before], self.topic.first_delivered),
            topics={name: stands},
            run_id=folder,
            written=datetime.now(UTC),
        )
        if committed := self.ledger.commit(staged, newest):
            return committed
        raise GapChanged("something else was committed meanwhile; nothing was changed. Run the command again")

    def _write(self, session: SparkSession, start: Offsets, url: str) -> None:
        """Write the records before the one that is passed over; of other partitions, none."""
        ends = start | {self.partition: self.offset}
        records = (
            session.read.format("kafka")
            .option("kafka.isolation.level", COMMITTED)
            .option("startingOffsets", json.dumps({self.topic.name: start}))
            .option("endingOffsets", json.dumps({self.topic.name: ends}))
            .option("maxRecordsPerPartition", TASK_OFFSETS)
            .options(**self.topic.for_spark())
            .load()
        )
        self.read(records).write.options(**PARQUET).parquet(url)

    def __str__(self) -> str:
        return f"{self.topic.name}, partition {self.partition}, offset {self.offset}"
