"""The Kafka topic of clicks: its identity and its offsets.

No consumer group is joined, and only `first_delivered` and `sent_ms` read records.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, for_code
from kafka.protocol.consumer import IsolationLevel

from cab_assets.clients.deadline import within
from cab_assets.clients.kafka_client import ANSWER_TIMEOUT_SECONDS, Admin, Reader, answering
from cab_assets.clients.kafka_reading import delivered, first, first_delivered
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.errors import CabError

UNKNOWN_TOPIC = 3
# Python's years 1 to 9999; a producer may give any time
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_000
# Records of a transaction count when it is over, and not at all when it is given up
READ_COMMITTED = "read_committed"

OPEN = KafkaSecurity()

Offsets = dict[int, int]  # partition -> offset


class NoSuchTopic(CabError):
    """The topic does not exist, or this user may not see it."""


@dataclass(frozen=True)
class TopicState:
    """The topic as the broker describes it at one moment."""

    id: str
    begins: Offsets  # of the oldest record that is still there
    # One past the newest record that is delivered: what follows waits behind an open transaction
    ends: Offsets
    highs: Offsets = field(default_factory=dict)  # one past the newest record

    @property
    def held(self) -> Offsets:
        """Return how many offsets of a partition wait behind an open transaction, where any do."""
        behind = {
            partition: high - self.ends.get(partition, 0) for partition, high in self.highs.items()
        }
        return {partition: offsets for partition, offsets in behind.items() if offsets > 0}


@dataclass(frozen=True)
class Held:
    """Records of a partition that wait behind an open transaction."""

    partition: int
    offset: int  # of the transaction's first record
    records: int
    since: datetime | None  # when that record was sent, if it could be read

    def __str__(self) -> str:
        since = (
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC"
            if self.since
            else "since when could not be read"
        )
        return (
            f"partition {self.partition}: {self.records:,} records wait behind an open transaction"
            f" at offset {self.offset}, {since}"
        )


@dataclass(frozen=True)
class ClickTopic:
    """The topic `name` on the brokers `servers` (host:port, comma-separated)."""

    servers: str
    name: str
    security: KafkaSecurity = OPEN

    def look(self) -> TopicState:
        """Return the topic's id and offsets now.

        Raise NoSuchTopic, KafkaUnavailable within five seconds, KafkaRefused if we may not see the
        topic, and KafkaFailed for any other error of the broker.
        """
        with answering(self.servers, self.security):
            return within(ANSWER_TIMEOUT_SECONDS, self._look)

    def held(self, state: TopicState) -> list[Held]:
        """Return what waits behind an open transaction, and since when."""
        sent: dict[int, datetime] = {}
        if state.held:
            with suppress(KafkaError, TimeoutError, OSError):  # what waits is known without it
                sent = within(ANSWER_TIMEOUT_SECONDS, lambda: self._sent(state))
        return [
            Held(partition, state.ends[partition], records, sent.get(partition))
            for partition, records in state.held.items()
        ]

    def for_spark(self) -> dict[str, str]:
        """Return the topic as options of Spark's Kafka source."""
        return {
            "kafka.bootstrap.servers": self.servers,
            "subscribe": self.name,
            **self.security.for_spark(),
        }

    def first_delivered(self, partition: int, stretches: Sequence[tuple[int, int]]) -> int | None:
        """Return the offset of the first record in some stretches that is delivered, or None.

        Each stretch is (start, end), ascending.
        """
        starts, ends = np.array(stretches, dtype=np.int64).T
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            return first_delivered(reader, TopicPartition(self.name, partition), starts, ends)

    def sent_ms(self, partition: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield offset and Kafka time, as its producer gave it, of each delivered record."""
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            for record in delivered(reader, TopicPartition(self.name, partition), start, end):
                yield record.offset, int(record.timestamp)

    def _reader(self) -> Reader:
        """Return what reads records of transactions that are over, and commits nothing."""
        given = {"isolation_level": READ_COMMITTED, "enable_auto_commit": False}
        return Reader(self.servers, self.security, auto_offset_reset="none", **given)

    def _look(self) -> TopicState:
        with closing(Admin(self.servers, self.security)) as admin:
            (topic,) = admin.describe_topics([self.name])
            check_answer(topic, self.name, self.servers)
            partitions = [
                TopicPartition(self.name, each["partition_index"]) for each in topic["partitions"]
            ]
            # Before `ends`, which may grow meanwhile
            highs = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
            begins = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
            ends = admin.list_partition_offsets(
                dict.fromkeys(partitions, OffsetSpec.LATEST),
                isolation_level=IsolationLevel.READ_COMMITTED,
            )
        return TopicState(
            id=str(topic["topic_id"]),
            begins={each.partition: found.offset for each, found in sorted(begins.items())},
            ends={each.partition: found.offset for each, found in sorted(ends.items())},
            highs={each.partition: found.offset for each, found in sorted(highs.items())},
        )

    def _sent(self, state: TopicState) -> dict[int, datetime]:
        """Return the time of the first record of each open transaction."""
        with closing(
            Reader(self.servers, self.security, enable_auto_commit=False, auto_offset_reset="none")
        ) as reader:
            return {
                partition: _sent(
                    reader, TopicPartition(self.name, partition), state.ends[partition]
                )
                for partition in state.held
            }


def check_answer(topic: Mapping[str, Any], name: str, servers: str) -> None:
    """Raise NoSuchTopic, or a KafkaError, unless the broker described the topic.

    An answer that is an error has no partitions, like a topic in which nothing waits.
    """
    if topic["error_code"] == UNKNOWN_TOPIC:
        raise NoSuchTopic(
            f"there is no topic {name} at {servers}; create it, or set CAB_CLICKSTREAM_TOPIC"
        )
    if code := topic["error_code"]:
        raise for_code(code)({name})


def _sent(reader: Reader, partition: TopicPartition, offset: int) -> datetime:
    """Return the time of the first record from `offset` on, delivered or not."""
    return moment(int(first(reader, partition, offset).timestamp))


def moment(milliseconds: int) -> datetime:
    """Return the moment of a Kafka time; of one outside Python's calendar, the calendar's end."""
    return datetime.fromtimestamp(min(max(milliseconds, EARLIEST_MS), LATEST_MS) / 1000, UTC)
