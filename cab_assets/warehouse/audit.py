"""Reading a version back, to hold it against what it was made from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cab_assets.resources.lake import Lake
from cab_assets.schemas import Table
from cab_assets.warehouse.manifest import DataFile, Manifest
from cab_assets.warehouse.versions import Partition

READ_ROWS = 250_000  # rows in memory at a time


@dataclass
class Contents:
    """What was found in the files of a version."""

    schema: pa.Schema
    rows: int = 0
    sums: dict[str, Decimal | None] = field(default_factory=dict)  # None: no row holds a value
    ranges: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)  # absent: no row holds a value
    nulls: dict[str, int] = field(default_factory=dict)
    repeated_keys: int = 0


def read_back(lake: Lake, partition: Partition, version: str, files: Iterable[DataFile], *, summed: list[str], ranged: list[str]) -> Contents:
    """Read the key, the `summed` (decimal or whole numbers) and the `ranged` (timestamps) columns of a version."""
    paths = [f"{partition.version_path(version)}/{file.name}" for file in files]
    contents = Contents(schema=pq.read_schema(paths[0], filesystem=lake.files), sums=dict.fromkeys(summed))
    prints: list[np.ndarray] = []
    for batch in _batches(lake, paths, [*partition.table.key, *summed, *ranged]):
        contents.rows += batch.num_rows
        _add_up(contents, batch, summed, ranged)
        for name in partition.table.key:
            contents.nulls[name] = contents.nulls.get(name, 0) + batch[name].null_count
        prints.append(key_prints(batch, partition.table))
    if has_repeats(prints):
        contents.repeated_keys = _count_repeats(lake, paths, partition.table)
    return contents


def _batches(lake: Lake, paths: list[str], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path, filesystem=lake.files) as file:
            yield from file.iter_batches(batch_size=READ_ROWS, columns=columns, use_threads=False)


def _add_up(contents: Contents, batch: pa.RecordBatch, summed: list[str], ranged: list[str]) -> None:
    for name in summed:
        contents.sums[name] = _plus(contents.sums[name], pc.sum(batch[name]).as_py())
    for name in ranged:
        ends = pc.min_max(batch[name]).as_py()
        if ends["min"] is not None:
            first, last = contents.ranges.get(name, (ends["min"], ends["max"]))
            contents.ranges[name] = (min(first, ends["min"]), max(last, ends["max"]))


def _plus(total: Decimal | None, more: Any) -> Decimal | None:
    if more is None:
        return total
    return Decimal(more) if total is None else total + Decimal(more)


def key_prints(batch: pa.RecordBatch, table: Table) -> np.ndarray:
    """A 64-bit print of each row's key: flat memory where a set of two million keys takes 200 MB."""
    prints = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in table.key:
        for word in string_words(batch[name]):
            mixed = (prints ^ word) * np.uint64(0x9E3779B97F4A7C15)
            prints = np.where(word == 0, prints, mixed ^ (mixed >> np.uint64(32)))  # padding leaves a print as it is
    return prints


def string_words(strings: pa.StringArray) -> np.ndarray:
    """The bytes of each string as 64-bit words, zero-padded: shape (words, rows)."""
    filled = pc.fill_null(strings, "")
    _, offsets, data = filled.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[filled.offset : filled.offset + len(filled) + 1]
    lengths = np.diff(ends)
    width = -(-int(lengths.max(initial=0) + 1) // 8) * 8
    padded = np.zeros((len(filled), width), dtype=np.uint8)
    held = np.arange(width) < lengths[:, None]
    padded[held] = np.frombuffer(data or b"", dtype=np.uint8)[ends[0] : ends[-1]]
    return padded.view(np.uint64).T


def has_repeats(prints: list[np.ndarray]) -> bool:
    ordered = np.sort(np.concatenate(prints)) if prints else np.zeros(0, dtype=np.uint64)
    return bool((ordered[1:] == ordered[:-1]).any())


def _count_repeats(lake: Lake, paths: list[str], table: Table) -> int:
    """Rows whose key an earlier row has, by the keys themselves: two different keys can share a print."""
    keys = pa.Table.from_batches(_batches(lake, paths, list(table.key)))
    return int(keys.num_rows - keys.group_by(list(table.key)).aggregate([]).num_rows)


def head(lake: Lake, partition: Partition, manifest: Manifest, rows: int) -> list[dict[str, Any]]:
    """The first `rows` rows of a version."""
    path = f"{partition.version_path(manifest.version)}/{manifest.files[0].name}"
    with pq.ParquetFile(path, filesystem=lake.files) as file:
        batch = next(file.iter_batches(batch_size=rows), None)
    return [] if batch is None else batch.slice(0, rows).to_pylist()
