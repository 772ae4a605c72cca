"""The Kafka topic of clicks: what it is and how far it goes. No group is joined, and only
`first_delivered` and `sent_ms` read records.
"""

import time
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
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.errors import CabError

SILENT_SECONDS = 20  # a reader that comes no further for so long is read to in vain
# A longer way to the next stretch is jumped over; a jump throws away what was fetched
SKIP_OFFSETS = 5_000
UNKNOWN_TOPIC = 3
EARLIEST_MS, LATEST_MS = (
    -62_135_596_800_000,
    253_402_300_799_000,
)  # Python's years 1 to 9999; a producer may give any time
# Records of a transaction count when it is over, and not at all when it is given up
READ_COMMITTED = "read_committed"

OPEN = KafkaSecurity()

Offsets = dict[int, int]  # partition -> offset


class NoSuchTopic(CabError):
    """The topic does not exist, or we may not see it."""


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
        """The topic, as options of Spark's Kafka source."""
        return {
            "kafka.bootstrap.servers": self.servers,
            "subscribe": self.name,
            **self.security.for_spark(),
        }

    def first_delivered(self, partition: int, stretches: Sequence[tuple[int, int]]) -> int | None:
        """The offset of the first record in the stretches (start, end.

        Ascending) that the broker delivers; None if it delivers none.
        """
        starts, ends = np.array(stretches, dtype=np.int64).T
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            return _first_delivered(reader, TopicPartition(self.name, partition), starts, ends)

    def sent_ms(self, partition: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Give the offset and the Kafka time, as its producer gave it, of each record delivered."""
        with answering(self.servers, self.security), closing(self._reader()) as reader:
            for record in _delivered(reader, TopicPartition(self.name, partition), start, end):
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
            highs = admin.list_partition_offsets(
                dict.fromkeys(partitions, OffsetSpec.LATEST)
            )  # before `ends`, which may grow meanwhile
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
    return moment(int(_first(reader, partition, offset).timestamp))


def moment(milliseconds: int) -> datetime:
    """Return the moment of a Kafka time; of one outside Python's calendar, the calendar's end."""
    return datetime.fromtimestamp(min(max(milliseconds, EARLIEST_MS), LATEST_MS) / 1000, UTC)


def _first(reader: Reader, partition: TopicPartition, offset: int) -> Any:
    """Return the first record from `offset` on, delivered or not."""
    reader.assign([partition])
    reader.seek(partition, offset)
    while not (found := reader.poll(timeout_ms=500, max_records=1)):
        pass
    ((first, *_),) = found.values()
    return first


def _delivered(reader: Reader, partition: TopicPartition, start: int, end: int) -> Iterator[Any]:
    """Give the records from `start` up to `end` that the broker delivers."""
    reader.assign([partition])
    reader.seek(partition, start)
    at, moved = start, time.monotonic()
    while at < end:
        for records in reader.poll(timeout_ms=500, max_records=SKIP_OFFSETS).values():
            yield from (record for record in records if record.offset < end)
        before, at = at, int(reader.position(partition))
        moved = _moved(partition, before, at, moved)


def _moved(partition: TopicPartition, before: int, at: int, moved: float) -> float:
    """Return when a reader last came further; TimeoutError if that is too long ago."""
    if at > before:
        return time.monotonic()
    if time.monotonic() > moved + SILENT_SECONDS:
        where = f"after offset {at} of partition {partition.partition}"
        raise TimeoutError(f"no record {where} in {SILENT_SECONDS} s")
    return moved


def _first_delivered(
    reader: Reader, partition: TopicPartition, starts: np.ndarray, ends: np.ndarray
) -> int | None:
    reader.assign([partition])
    reader.seek(partition, at := int(starts[0]))
    moved = time.monotonic()
    while at < ends[-1]:
        if (following := int(starts[np.searchsorted(ends, at, side="right")])) > at + SKIP_OFFSETS:
            reader.seek(partition, following)
        for records in reader.poll(timeout_ms=500, max_records=SKIP_OFFSETS).values():
            offsets = np.array([record.offset for record in records], dtype=np.int64)
            inside = offsets[
                np.searchsorted(starts, offsets, side="right")
                > np.searchsorted(ends, offsets, side="right")
            ]
            if inside.size:
                return int(inside[0])
        before, at = at, int(reader.position(partition))
        moved = _moved(partition, before, at, moved)
    return None
