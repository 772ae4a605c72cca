"""The Kafka topic of clicks: its identity and its offsets.

No consumer group is joined. `held`, `first_delivered`, `sent_ms` and `timestamps` read records.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, for_code
from kafka.protocol.consumer import IsolationLevel

from cab_assets.clients.deadline import within
from cab_assets.clients.kafka_client import ANSWER_TIMEOUT_SECONDS, Admin, Reader, answering
from cab_assets.clients.kafka_reading import delivered, first, first_delivered, records_at
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.clients.topic_state import Held, Offsets, TopicState
from cab_assets.errors import CabError

# Kafka's error code for a topic that does not exist
UNKNOWN_TOPIC = 3
# Milliseconds since 1970 of Python's years 1 to 9999. A producer can send any other time.
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_000
# Time-out of reading one record of each partition
RECORDS_TIMEOUT_SECONDS = 30
# Records of a transaction are delivered when it is committed, and never if it is aborted
READ_COMMITTED = "read_committed"

OPEN = KafkaSecurity()


class NoSuchTopic(CabError):
    """The topic does not exist, or this user may not see it."""


@dataclass(frozen=True)
class ClickTopic:
    """The topic `name` of the brokers `servers` (host:port, comma-separated)."""

    servers: str
    name: str
    security: KafkaSecurity = OPEN

    def look(self) -> TopicState:
        """Return the current id and offsets of the topic.

        Raise NoSuchTopic, KafkaUnavailable within five seconds, KafkaRefused if this user may not
        see the topic, and KafkaFailed for any other error of the broker.
        """
        with answering(self.servers, self.security):
            return within(ANSWER_TIMEOUT_SECONDS, self._look)

    def held(self, state: TopicState) -> list[Held]:
        """Return the records that wait behind open transactions, and since when they wait."""
        sent: dict[int, datetime] = {}
        if state.held:
            # The times are optional
            with suppress(KafkaError, TimeoutError, OSError):
                sent = within(ANSWER_TIMEOUT_SECONDS, lambda: self._sent(state))
        return [
            Held(partition, state.ends[partition], records, sent.get(partition))
            for partition, records in state.held.items()
        ]

    def for_spark(self) -> dict[str, str]:
        """Return the options for Spark's Kafka source."""
        return {
            "kafka.bootstrap.servers": self.servers,
            "subscribe": self.name,
            **self.security.for_spark(),
        }

    def first_delivered(self, partition: int, stretches: Sequence[tuple[int, int]]) -> int | None:
        """Return the first offset in some ranges that the broker delivers, or None.

        Each range is (start, end), without the end; the ranges are ascending.
        """
        starts, ends = np.array(stretches, dtype=np.int64).T
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            return first_delivered(reader, TopicPartition(self.name, partition), starts, ends)

    def sent_ms(self, partition: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the offset and the Kafka time, in milliseconds, of each delivered record."""
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            for record in delivered(reader, TopicPartition(self.name, partition), start, end):
                yield record.offset, int(record.timestamp)

    def timestamps(self, offsets: Offsets) -> Offsets:
        """Return the Kafka time, in milliseconds, of the record at one offset of each partition.

        Omit a partition that has no record at exactly this offset.
        """
        if not offsets:
            return {}
        wanted = {TopicPartition(self.name, each): offset for each, offset in offsets.items()}
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            found = within(RECORDS_TIMEOUT_SECONDS, lambda: records_at(reader, wanted))
        return {record.partition: int(record.timestamp) for record in found}

    def _reader(self) -> Reader:
        """Return a consumer that reads committed records and commits no offsets."""
        given = {"isolation_level": READ_COMMITTED, "enable_auto_commit": False}
        return Reader(self.servers, self.security, auto_offset_reset="none", **given)

    def _look(self) -> TopicState:
        with closing(Admin(self.servers, self.security)) as admin:
            (topic,) = admin.describe_topics([self.name])
            check_answer(topic, self.name, self.servers)
            partitions = [
                TopicPartition(self.name, each["partition_index"]) for each in topic["partitions"]
            ]
            # Read before `ends`, which may grow meanwhile
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
    """Raise NoSuchTopic or a KafkaError if the answer about the topic is an error.

    Such an answer has no partitions, so it would look like a topic without records.
    """
    if topic["error_code"] == UNKNOWN_TOPIC:
        raise NoSuchTopic(
            f"there is no topic {name} at {servers}; create it, or set CAB_CLICKSTREAM_TOPIC"
        )
    if code := topic["error_code"]:
        raise for_code(code)({name})


def _sent(reader: Reader, partition: TopicPartition, offset: int) -> datetime:
    """Return the time of the first record from `offset` on, even if its transaction is open."""
    return moment(int(first(reader, partition, offset).timestamp))


def moment(milliseconds: int) -> datetime:
    """Return a Kafka time as an instant, limited to the years that Python can represent."""
    return datetime.fromtimestamp(min(max(milliseconds, EARLIEST_MS), LATEST_MS) / 1000, UTC)
