"""A batch: what one commit brought, and where every topic stands after it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ValidationError

from cab_assets.clients.click_topic import Offsets
from cab_assets.clients.lake import Lake
from cab_assets.schemas import CLICKSTREAM_BATCHES
from cab_assets.store.manifest import MANIFEST

NUMBER_DIGITS = 12  # numbers sort as text


class Range(BaseModel, frozen=True):
    """Offsets of one partition, `start` included, `end` not."""

    partition: int
    start: int
    end: int

    @property
    def offsets(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"partition {self.partition}: {self.start} to {self.end - 1}"


class BatchFile(BaseModel, frozen=True):
    """One Parquet file, by its name in the batch's folder."""

    name: str
    bytes: int
    rows: int


class BatchContents(BaseModel, frozen=True):
    """What was found in the files of a batch when they were read back."""

    files: tuple[BatchFile, ...] = ()
    accepted: int = 0
    rejected: int = 0
    # Offsets that the broker never delivers: compacted away, or a transaction's own
    undelivered: tuple[Range, ...] = ()
    reasons: dict[str, int] = {}  # a rejected record counts once for each of its reasons
    without_position: int = 0  # accepted records without lat or lon
    extra_keys: int = 0
    event_dates: dict[str, int] = {}  # accepted records by day
    ingest_dates: dict[str, int] = {}  # rejected records by the date of kafka_timestamp
    first_event: str | None = None  # wall clock
    last_event: str | None = None
    last_arrival: str | None = None  # the newest kafka_timestamp, UTC


class Place(BaseModel, frozen=True):
    """A record of Kafka."""

    topic: str
    kafka_partition: int
    kafka_offset: int


class TopicEnd(BaseModel, frozen=True):
    """How far a topic is committed."""

    id: str
    ends: Offsets


class Batch(BaseModel, frozen=True):
    """The manifest of a batch. The newest committed one is the whole state of the clickstream."""

    number: int
    folder: str  # in clickstream_batches/
    previous: str | None  # the folder of the batch before
    kind: Literal["ingest", "replay", "gap"] = "ingest"
    topic: str
    ranges: tuple[Range, ...]
    contents: BatchContents
    topics: dict[str, TopicEnd]  # after this batch, every topic that was ever committed
    # By ingest date: rejected records that were replayed and are accepted in this batch
    removed: dict[str, tuple[Place, ...]] = {}
    run_id: str
    written: datetime  # UTC, by the clock of the committing machine; used only for the age
    code_version: int = CLICKSTREAM_BATCHES.code_version

    @property
    def value(self) -> str:
        """The partition value of `clickstream_batches`."""
        return partition_value(self.number)

    @property
    def offsets(self) -> int:
        return sum(each.offsets for each in self.ranges)

    @property
    def ends(self) -> Offsets:
        """The committed ends of its own topic."""
        return self.topics[self.topic].ends

    @property
    def replayed(self) -> set[Place]:
        return {place for places in self.removed.values() for place in places}

    def following(self, before: "Batch | None") -> "Batch":
        """Return this batch as the one after `before`.

        If that does not know the topic, the ends that this batch was staged with count.
        """
        staged = self.topics[self.topic]
        before_it = committed_ends(before, self.topic) or staged.ends
        ends = before_it | {each.partition: each.end for each in self.ranges}
        own = TopicEnd(id=staged.id, ends=ends)
        return self.model_copy(
            update={
                "number": before.number + 1 if before else 1,
                "previous": before.folder if before else None,
                "topics": (before.topics if before else {}) | {self.topic: own},
            }
        )

    def continues(self, before: "Batch | None") -> bool:
        """Return whether the batch follows `before`.

        It does if its topic ends after `before` exactly where its ranges start, and `before`
        replayed none of its records.
        """
        if before and not self.replayed.isdisjoint(before.replayed):
            return False
        ends, known = (
            committed_ends(before, self.topic),
            before.topics.get(self.topic) if before else None,
        )
        same_topic = known is None or known.id == self.topics[self.topic].id
        return same_topic and all(
            ends.get(each.partition, 0 if known else each.start) == each.start
            for each in self.ranges
        )


def committed_ends(newest: Batch | None, topic: str) -> Offsets:
    """Return the committed ends of `topic`; empty if it was never committed."""
    known = newest.topics.get(topic) if newest else None
    return dict(known.ends) if known else {}


def partition_value(number: int) -> str:
    return f"{number:0{NUMBER_DIGITS}d}"


def batch_path(folder: str) -> str:
    return f"{CLICKSTREAM_BATCHES.name}/{folder}"


def write_batch(lake: Lake, batch: Batch) -> None:
    lake.write(f"{batch_path(batch.folder)}/{MANIFEST}", batch.model_dump_json().encode())


def read_batch(lake: Lake, folder: str) -> Batch | None:
    """Return the manifest in a batch's folder, or None if it is missing or damaged."""
    try:
        return Batch.model_validate_json(lake.read(f"{batch_path(folder)}/{MANIFEST}"))
    except (FileNotFoundError, ValidationError):
        return None
