"""The Kafka topic of clicks: what it is and how far it goes. No group is joined, and only `first_after` reads a record."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.protocol.consumer import IsolationLevel

from cab_assets.errors import CabError, Unavailable
from cab_assets.resources.deadline import within

ANSWER_SECONDS = 4  # a broker that is up answers in 0.03 s; a sensor must not wait for long
READ_SECONDS = 20
UNKNOWN_TOPIC = 3
COMMITTED = "read_committed"  # records of a transaction count when it is over, and not at all when it is given up

Offsets = dict[int, int]  # partition -> offset
T = TypeVar("T")


class KafkaUnavailable(Unavailable):
    """No broker answers in time."""


class NoSuchTopic(CabError):
    """The topic does not exist, or we may not see it."""


class Admin(KafkaAdminClient):  # type: ignore[misc]  # kafka-python has no types
    """A client whose thread ends also when no broker answers: kafka-python leaves one behind then, which adds up tick by tick."""

    def __init__(self, **config: Any) -> None:
        try:
            super().__init__(**config)
        except KafkaError:
            self._closed = False
            self.close()
            raise


@dataclass(frozen=True)
class TopicState:
    """The topic as the broker describes it at one moment."""

    id: str
    begins: Offsets  # of the oldest record that is still there
    ends: Offsets  # one past the newest record


@dataclass(frozen=True)
class ClickTopic:
    """The topic `name` on the brokers `servers` (host:port, comma-separated)."""

    servers: str
    name: str

    def look(self) -> TopicState:
        """The topic's id and offsets now; KafkaUnavailable within five seconds, NoSuchTopic."""
        return self._in_time(ANSWER_SECONDS, self._look)

    def first_after(self, partition: int, offset: int) -> int:
        """The offset of the first record from `offset` on that the broker delivers, or of the end if there is none."""
        return self._in_time(READ_SECONDS, lambda: self._first_after(TopicPartition(self.name, partition), offset))

    def _look(self) -> TopicState:
        with closing(Admin(bootstrap_servers=self.servers, bootstrap_timeout_ms=ANSWER_SECONDS * 1000)) as admin:
            (topic,) = admin.describe_topics([self.name])
            if topic["error_code"] == UNKNOWN_TOPIC:
                raise NoSuchTopic(f"there is no topic {self.name} at {self.servers}; create it, or set CAB_CLICKSTREAM_TOPIC")
            partitions = [TopicPartition(self.name, each["partition_index"]) for each in topic["partitions"]]
            begins = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
            ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST), isolation_level=IsolationLevel.READ_COMMITTED)
        return TopicState(
            id=str(topic["topic_id"]),
            begins={each.partition: found.offset for each, found in sorted(begins.items())},
            ends={each.partition: found.offset for each, found in sorted(ends.items())},
        )

    def _first_after(self, partition: TopicPartition, offset: int) -> int:
        with self._reader() as reader:
            reader.assign([partition])
            end = int(reader.end_offsets([partition])[partition])
            reader.seek(partition, offset)
            while int(reader.position(partition)) < end:
                for records in reader.poll(timeout_ms=500, max_records=1).values():
                    return int(records[0].offset)
            return end

    @contextmanager
    def _reader(self) -> Iterator[KafkaConsumer]:
        reader = KafkaConsumer(
            bootstrap_servers=self.servers,
            bootstrap_timeout_ms=ANSWER_SECONDS * 1000,
            isolation_level=COMMITTED,
            enable_auto_commit=False,
            auto_offset_reset="none",
        )
        with closing(reader):
            yield reader

    def _in_time(self, seconds: float, call: Callable[[], T]) -> T:
        try:
            return within(seconds, call)
        except (KafkaError, TimeoutError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {self.servers} does not answer ({error}); see `cab doctor`, then run again") from error
