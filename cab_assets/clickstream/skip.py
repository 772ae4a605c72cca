"""Skip records that Spark cannot read: commit the records before them, then these as a gap."""

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
from cab_assets.clients.click_topic import READ_COMMITTED, ClickTopic
from cab_assets.clients.spark import Spark
from cab_assets.clients.topic_state import Offsets, TopicState
from cab_assets.errors import CabError

# The smallest Kafka time in milliseconds that Spark cannot read: it keeps microseconds in 64 bits
MOST_MS = 2**63 // 1000
# Upper bound of offsets that one command reads: kafka-python needs up to a minute for so many
MOST_OFFSETS = 1_000_000


class NoSuchRecord(CabError):
    """The record to skip is not an uncommitted record of the topic, or Spark can read it."""


def unreadable(partition: int, sent: Iterable[tuple[int, int]]) -> list[Range]:
    """Return the ranges that Spark cannot read, of records given by offset and Kafka time (ms)."""
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
    # Kafka records -> clicks, as `read_clicks` returns them
    read: Callable[[DataFrame], DataFrame]
    partition: int
    offset: int

    def unreadable_ranges(self) -> list[Range]:
        """Return the uncommitted ranges from this record on that Spark cannot read.

        Raises NoSuchRecord if the record itself is committed, does not exist, or can be read.
        """
        state, start = self._state()
        end = state.ends.get(self.partition, 0)
        if not start.get(self.partition, 0) <= self.offset < end:
            raise NoSuchRecord(
                f"{self} is not an uncommitted record: see `cab lag`. Nothing was changed"
            )
        last = min(end, self.offset + MOST_OFFSETS)
        found = unreadable(self.partition, self.topic.sent_ms(self.partition, self.offset, last))
        if not found or found[0].start != self.offset:
            raise NoSuchRecord(
                f"{self} is not a record that Spark fails to read. Nothing was changed"
            )
        return found

    def run(self, unreadable_ranges: Iterable[Range]) -> Iterator[Batch]:
        """Commit the records before each range, then the range as a gap.

        Yield each batch when it is committed.
        """
        newest = self.ledger.newest()
        for gap in unreadable_ranges:
            state, start = self._state()
            stands = TopicEnd(id=state.id, ends=start)
            before = Range(partition=self.partition, start=start[self.partition], end=gap.start)
            if before.offsets > 0:
                newest = self._committed(before, stands, newest)
                yield newest
            newest = accept_gap(self.ledger, self.topic.name, stands, [gap], newest)
            yield newest

    def _state(self) -> tuple[TopicState, Offsets]:
        newest, state = self.ledger.newest(), self.topic.look()
        return state, starting(newest, self.topic, state)

    def _committed(self, before: Range, stands: TopicEnd, newest: Batch | None) -> Batch:
        folder, lake, name = new_folder("gap"), self.ledger.lake, self.topic.name
        self.spark.run(
            lambda session: self._write(session, before, stands.ends, lake.url(batch_path(folder)))
        )
        staged = Batch(
            # A placeholder: Ledger.commit assigns the number
            number=0,
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
            "another batch was committed in the meantime. Run the command again: it continues after"
            " what is committed"
        )

    def _write(self, session: SparkSession, before: Range, start: Offsets, url: str) -> None:
        """Write the records of the range `before`, and none of other partitions."""
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
