"""Read a staged batch back, and check that each offset of its ranges was read or is undelivered."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.clickstream.batch import BatchContents, BatchFile, LastRecord, Range, batch_path
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError
from cab_assets.tables.clicks import EXTRA_KEYS, PLACE_KEY, POSITION
from cab_assets.transforms.reasons import TIME_UNUSABLE

EVENT_NAMES = ["event_timestamp", "event_date", *POSITION]
COLUMNS = [*EVENT_NAMES, *PLACE_KEY, "kafka_timestamp", "reasons", EXTRA_KEYS.name]

# (partition, offset ranges) -> the first offset in them that the broker delivers, or None
FirstDelivered = Callable[[int, Sequence[tuple[int, int]]], int | None]


class BatchUnaccounted(CabError):
    """A staged batch does not hold exactly the records of its offsets."""


def read_back(
    lake: Lake, folder: str, topic: str, ranges: Iterable[Range], first_delivered: FirstDelivered
) -> BatchContents:
    """Return the contents of a staged folder.

    Raises BatchUnaccounted unless it holds each delivered record of `ranges` exactly once.
    """
    files, rows = _read(lake, folder)
    missing = tuple(
        gap for each in ranges for gap in _account(folder, topic, rows, each, first_delivered)
    )
    if rows.num_rows != sum(each.offsets for each in ranges) - sum(
        each.offsets for each in missing
    ):
        raise BatchUnaccounted(
            f"{folder} contains {rows.num_rows} records, some of them outside its offset ranges;"
            " run again: nothing was committed, and the records are staged again"
        )
    contents = _contents(files, rows, missing)
    return contents.model_copy(update={"last_records": _last_records(rows)})


def read_contents(lake: Lake, folder: str) -> BatchContents:
    """Return the contents of a folder whose records come from any offsets."""
    return _contents(*_read(lake, folder), ())


def _read(lake: Lake, folder: str) -> tuple[tuple[BatchFile, ...], pa.Table]:
    infos = [info for info in lake.list(batch_path(folder)) if info.base_name.endswith(".parquet")]
    if not infos:
        raise BatchUnaccounted(
            f"{folder} contains no files, although Spark has written it; run again: nothing was"
            " committed, and the records are staged again"
        )
    tables = [lake.columns(info.path, COLUMNS) for info in infos]
    files = tuple(
        BatchFile(name=info.base_name, bytes=info.size, rows=table.num_rows)
        for info, table in zip(infos, tables, strict=True)
    )
    return files, pa.concat_tables(tables)


def _account(
    folder: str, topic: str, rows: pa.Table, expected: Range, first_delivered: FirstDelivered
) -> list[Range]:
    """Return the undelivered offsets of a range. Raise BatchUnaccounted for any other difference.

    Kafka never delivers these offsets to a consumer, so `rows` cannot contain them.
    """
    # np.sort is enough: np.diff below detects duplicates, and np.unique is much slower
    offsets = np.sort(_offsets(rows, topic, expected.partition))
    outside = offsets.size > 0 and (offsets[0] < expected.start or offsets[-1] >= expected.end)
    if outside or not np.diff(offsets).all():
        raise BatchUnaccounted(
            f"{folder} contains a duplicate record, or one outside its offset range ({expected});"
            " run again: nothing was committed, and the records are staged again"
        )
    missing = list(_missing(offsets, expected))
    delivered = (
        first_delivered(expected.partition, [(each.start, each.end) for each in missing])
        if missing
        else None
    )
    if delivered is not None:
        raise BatchUnaccounted(
            f"{folder} lacks offset {delivered} ({expected}), which Kafka delivers; run again:"
            " nothing was committed, and the records are staged again"
        )
    return missing


def _offsets(rows: pa.Table, topic: str, partition: int) -> np.ndarray:
    own = rows.filter(
        pc.and_(pc.equal(rows["kafka_partition"], partition), pc.equal(rows["topic"], topic))
    )
    return np.asarray(own["kafka_offset"])


def _missing(offsets: np.ndarray, expected: Range) -> Iterable[Range]:
    """Return the parts of a range that are missing between the sorted offsets."""
    edges = np.concatenate([[expected.start - 1], offsets, [expected.end]])
    for at in np.flatnonzero(np.diff(edges) > 1):
        yield Range(partition=expected.partition, start=int(edges[at]) + 1, end=int(edges[at + 1]))


def _contents(
    files: tuple[BatchFile, ...], rows: pa.Table, undelivered: tuple[Range, ...]
) -> BatchContents:
    is_rejected = pc.is_valid(rows["reasons"])
    rejected, events = rows.filter(is_rejected), pc.min_max(rows["event_timestamp"]).as_py()
    return BatchContents(
        files=files,
        undelivered=undelivered,
        accepted=rows.num_rows - rejected.num_rows,
        rejected=rejected.num_rows,
        reasons=_counts(pc.list_flatten(rejected["reasons"])),
        without_position=_without_position(rows.filter(pc.invert(is_rejected))),
        extra_keys=pc.sum(rows[EXTRA_KEYS.name]).as_py() or 0,
        event_dates=_counts(pc.drop_null(rows["event_date"])),
        ingest_dates=_counts(pc.strftime(rejected["kafka_timestamp"], format="%Y-%m-%d")),
        first_event=_text(events["min"]),
        last_event=_text(events["max"]),
        last_arrival=_text(pc.max(rows["kafka_timestamp"]).as_py()),
    )


def _last_records(rows: pa.Table) -> dict[int, LastRecord]:
    """Return the last record of each partition. Omit one whose time was replaced when read."""
    partitions, offsets = np.asarray(rows["kafka_partition"]), np.asarray(rows["kafka_offset"])
    in_order = np.lexsort((offsets, partitions))
    last = rows.take(in_order[np.flatnonzero(np.diff(partitions[in_order], append=-1))])
    # Spark can be configured to write nanoseconds
    instants = last["kafka_timestamp"]
    times = instants.cast(pa.timestamp("ms", instants.type.tz), safe=False).cast(pa.int64())
    return {
        row["kafka_partition"]: LastRecord(offset=row["kafka_offset"], timestamp=time)
        for row, time in zip(last.to_pylist(), times.to_pylist(), strict=True)
        if TIME_UNUSABLE not in (row["reasons"] or ())
    }


def _without_position(accepted: pa.Table) -> int:
    lacking = pc.or_(*(pc.is_null(accepted[name]) for name in POSITION))
    return pc.sum(lacking).as_py() or 0


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    return {
        str(each["values"]): int(each["counts"])
        for each in sorted(values.value_counts().to_pylist(), key=lambda each: str(each["values"]))
    }


def _text(moment: Any) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%S.%f}"
