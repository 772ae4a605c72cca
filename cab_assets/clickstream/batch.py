"""A batch: the records of one commit, and the committed offsets of every topic after it."""

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ValidationError

from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets
from cab_assets.store.manifest import MANIFEST
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

# Digits of a number in a partition value, with leading zeros, so that numbers sort as text
NUMBER_DIGITS = 12


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


class LastRecord(BaseModel, frozen=True):
    """The last record of a partition: its offset, and its Kafka time in milliseconds since 1970."""

    offset: int
    timestamp: int


class BatchContents(BaseModel, frozen=True):
    """The contents of a batch's files, as read back before the commit."""

    files: tuple[BatchFile, ...] = ()
    accepted: int = 0
    rejected: int = 0
    # Offsets that Kafka never delivers: compacted records, transaction markers, aborted records
    undelivered: tuple[Range, ...] = ()
    # Rejected records by reason; a record counts once for each of its reasons
    reasons: dict[str, int] = {}
    # Number of accepted records without lat or lon
    without_position: int = 0
    extra_keys: int = 0
    # Accepted records by day
    event_dates: dict[str, int] = {}
    # Rejected records by the date of kafka_timestamp
    ingest_dates: dict[str, int] = {}
    # Local timestamps in the business time zone
    first_event: str | None = None
    last_event: str | None = None
    # The newest kafka_timestamp, UTC
    last_arrival: str | None = None
    # The last record of each partition of the batch's topic, except one with an unusable time
    last_records: dict[int, LastRecord] = {}


class Place(BaseModel, frozen=True):
    """The position of a Kafka record."""

    topic: str
    kafka_partition: int
    kafka_offset: int


class TopicEnd(BaseModel, frozen=True):
    """The committed end offsets of a topic, the topic's id, and the last records before them."""

    id: str
    ends: Offsets
    last_records: dict[int, LastRecord] = {}


class Batch(BaseModel, frozen=True):
    """The manifest of a batch. That of the newest batch has the complete state of the ingestion."""

    number: int
    # Name of a folder in clickstream_batches/
    folder: str
    # The folder of the batch before
    previous: str | None
    kind: Literal["ingest", "replay", "gap"] = "ingest"
    topic: str
    ranges: tuple[Range, ...]
    contents: BatchContents
    # Every topic that was ever committed, as it is after this batch
    topics: dict[str, TopicEnd]
    # By ingest date: rejected records that this batch replays, which its files contain as accepted
    removed: dict[str, tuple[Place, ...]] = {}
    run_id: str
    # UTC, by the clock of the committing machine; used only for the age of the batch
    written: datetime
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
        """The committed end offsets of the batch's own topic."""
        return self.topics[self.topic].ends

    @property
    def replayed(self) -> set[Place]:
        return {place for places in self.removed.values() for place in places}

    def following(self, before: "Batch | None") -> "Batch":
        """Return this batch with the number and the offsets that it has after `before`.

        If `before` does not know the topic, the end offsets come from this batch as it was staged.
        """
        staged, known = self.topics[self.topic], before.topics.get(self.topic) if before else None
        before_it = known.ends if known and known.ends else staged.ends
        own = TopicEnd(
            id=staged.id,
            ends=before_it | {each.partition: each.end for each in self.ranges},
            last_records=(known.last_records if known else {}) | self.contents.last_records,
        )
        return self.model_copy(
            update={
                "number": before.number + 1 if before else 1,
                "previous": before.folder if before else None,
                "topics": (before.topics if before else {}) | {self.topic: own},
            }
        )

    def continues(self, before: "Batch | None") -> bool:
        """Return whether this batch can be committed directly after `before`.

        It can if the committed offsets of its topic in `before` are exactly where its ranges start,
        and `before` has replayed none of the records that this batch replays.
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
    """Return the committed end offsets of `topic`; empty if it was never committed."""
    known = newest.topics.get(topic) if newest else None
    return dict(known.ends) if known else {}


def partition_value(number: int) -> str:
    return f"{number:0{NUMBER_DIGITS}d}"


def is_partition_value(text: str) -> bool:
    """Return whether a text is the partition value of a batch; numbers begin at 1."""
    return re.fullmatch("[0-9]+", text) is not None and text == partition_value(int(text) or -1)


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
