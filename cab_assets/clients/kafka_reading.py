"""Read the records of a partition."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from kafka import TopicPartition

from cab_assets.clients.kafka_client import Reader

# Time-out of a consumer that makes no progress
SILENT_SECONDS = 20
# A longer distance to the next range is skipped by a seek. For a shorter one, reading on is faster,
# because a seek discards what was already fetched. Also the maximum number of records of a poll.
SKIP_OFFSETS = 5_000


def first(reader: Reader, partition: TopicPartition, offset: int) -> Any:
    """Return the first record from `offset` on, as the isolation level of `reader` allows."""
    reader.assign([partition])
    reader.seek(partition, offset)
    while not (found := reader.poll(timeout_ms=500, max_records=1)):
        pass
    ((first, *_),) = found.values()
    return first


def delivered(reader: Reader, partition: TopicPartition, start: int, end: int) -> Iterator[Any]:
    """Yield the records from `start` up to `end` that the broker delivers."""
    reader.assign([partition])
    reader.seek(partition, start)
    at, moved = start, time.monotonic()
    while at < end:
        for records in reader.poll(timeout_ms=500, max_records=SKIP_OFFSETS).values():
            yield from (record for record in records if record.offset < end)
        before, at = at, int(reader.position(partition))
        moved = _moved(partition, before, at, moved)


def records_at(reader: Reader, offsets: Mapping[TopicPartition, int]) -> list[Any]:
    """Return the record at one offset of each partition; nothing for one without such a record."""
    reader.assign(list(offsets))
    for partition, offset in offsets.items():
        reader.seek(partition, offset)
    found, waiting = [], set(offsets)
    while waiting:
        for partition, records in reader.poll(timeout_ms=500).items():
            found += [each for each in records if each.offset == offsets[partition]]
        passed = {each for each in waiting if reader.position(each) > offsets[each]}
        if passed:
            reader.pause(*passed)
        waiting -= passed
    return found


def _moved(partition: TopicPartition, before: int, at: int, moved: float) -> float:
    """Return when the reader last made progress. Raise TimeoutError if that is too long ago."""
    if at > before:
        return time.monotonic()
    if time.monotonic() > moved + SILENT_SECONDS:
        where = f"after offset {at} of partition {partition.partition}"
        raise TimeoutError(f"no record {where} in {SILENT_SECONDS} s")
    return moved


def first_delivered(
    reader: Reader, partition: TopicPartition, starts: np.ndarray, ends: np.ndarray
) -> int | None:
    """Return the offset of the first record in some ranges that the broker delivers, or None.

    `starts` and `ends` of the ranges are ascending.
    """
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
