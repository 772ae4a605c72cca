"""Go on after records that Spark cannot read: commit those before them, and them as a gap."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from pyspark.sql import DataFrame, SparkSession

from cab_assets.clickstream.audit import read_back
from cab_assets.clickstream.batch import Batch, Range, TopicEnd, batch_path
from cab_assets.clickstream.batch_writer import PARQUET
from cab_assets.clickstream.gap import GapChanged, accept_gap
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.offsets import starting
from cab_assets.clickstream.stage import TASK_OFFSETS
from cab_assets.clients.click_topic import READ_COMMITTED, ClickTopic, Offsets, TopicState
from cab_assets.clients.spark import Spark
from cab_assets.errors import CabError

MOST_MS = 2**63 // 1000  # Spark keeps microseconds in 64 bits
MOST_OFFSETS = 1_000_000  # read at once: kafka-python reads so many in a minute or less


class NoSuchRecord(CabError):
    """The record to skip does not wait in the topic, or Spark can read it."""


def unreadable(partition: int, sent: Iterable[tuple[int, int]]) -> list[Range]:
    """Return the stretches that Spark cannot read, of records given by offset and Kafka time."""
    found = []
    for is_bad, records in groupby(sent, lambda record: abs(record[1]) >= MOST_MS):
        offsets = [offset for offset, _ in records]
        if is_bad:
            found.append(Range(partition=partition, start=offsets[0], end=offsets[-1] + 1))
    return found


@dataclass(frozen=True)
class Skip:
    """The record at a partition and an offset, and those after it that Spark cannot read."""

    ledger: Ledger
    spark: Spark
    topic: ClickTopic
    read: Callable[[DataFrame], DataFrame]  # as `read_clicks` does it
    partition: int
    offset: int

    def stretches(self) -> list[Range]:
        """Return what Spark cannot read from this record on, as far as it waits now.

        Raise NoSuchRecord unless the record itself waits and is such a one.
        """
        state, start = self._state()
        end = state.ends.get(self.partition, 0)
        if not start.get(self.partition, 0) <= self.offset < end:
            raise NoSuchRecord(
                f"{self} does not wait in the topic: see `cab lag`. Nothing was changed"
            )
        last = min(end, self.offset + MOST_OFFSETS)
        found = unreadable(self.partition, self.topic.sent_ms(self.partition, self.offset, last))
        if not found or found[0].start != self.offset:
            raise NoSuchRecord(f"{self} is not one that Spark cannot read. Nothing was changed")
        return found

    def run(self, stretches: Iterable[Range]) -> Iterator[Batch]:
        """Commit the records before each stretch, and it as a gap.

        Give each batch when it is committed.
        """
        newest = self.ledger.newest()
        for gap in stretches:
            state, start = self._state()
            stands = TopicEnd(id=state.id, ends=start)
            before = Range(partition=self.partition, start=start[self.partition], end=gap.start)
            if before.offsets > 0:
                newest = self._committed(before, stands, newest)
                yield newest
            newest = accept_gap(self.ledger, self.topic.name, stands, [gap], newest)
            yield newest

    def _state(self) -> tuple[TopicState, Offsets]:
        state = self.topic.look()
        return state, starting(self.ledger.newest(), self.topic.name, state)

    def _committed(self, before: Range, stands: TopicEnd, newest: Batch | None) -> Batch:
        folder, lake, name = new_folder("gap"), self.ledger.lake, self.topic.name
        self.spark.run(
            lambda session: self._write(session, before, stands.ends, lake.url(batch_path(folder)))
        )
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
        raise GapChanged(
            "something else was committed meanwhile; nothing was changed. Run the command again"
        )

    def _write(self, session: SparkSession, before: Range, start: Offsets, url: str) -> None:
        """Write the records before those that are passed over; of other partitions, none."""
        ends = start | {before.partition: before.end}
        records = (
            session.read.format("kafka")
            .option("kafka.isolation.level", READ_COMMITTED)
            .option("startingOffsets", json.dumps({self.topic.name: start}))
            .option("endingOffsets", json.dumps({self.topic.name: ends}))
            .option("maxRecordsPerPartition", TASK_OFFSETS)
            .options(**self.topic.for_spark())
            .load()
        )
        self.read(records).write.options(**PARQUET).parquet(url)

    def __str__(self) -> str:
        return f"{self.topic.name}, partition {self.partition}, offset {self.offset}"
