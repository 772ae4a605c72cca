"""Reading a version back, to hold it against what it was made from."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cab_assets.resources.lake import Lake
from cab_assets.schemas import Table
from cab_assets.warehouse.manifest import DataFile, Manifest
from cab_assets.warehouse.versions import Partition

BATCH_ROWS = 50_000  # whose words the processor's cache holds
NO_PRINTS = np.zeros(0, dtype=np.uint64)
READERS = 2  # row groups side by side: the import is over by now, and its second core would be idle
BYTES_OF_WORD = np.array([2 ** (8 * held) - 1 for held in range(9)], dtype=np.uint64)  # masks of a word's first bytes


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
    contents, adding = Contents(schema=pq.read_schema(paths[0], filesystem=lake.files), sums=dict.fromkeys(summed)), Lock()

    def look(group: tuple[str, int]) -> list[np.ndarray]:
        batches = _row_group(lake, *group, [*partition.table.key, *summed, *ranged])
        with adding:
            for batch in batches:
                _add_up(contents, batch, partition.table.key, summed, ranged)
        return [key_prints(batch, partition.table) for batch in batches]

    with ThreadPoolExecutor(READERS) as pool:
        prints = np.concatenate([NO_PRINTS, *(each for group in pool.map(look, _row_groups(lake, paths)) for each in group)])
    if has_repeats(prints):
        contents.repeated_keys = _count_repeats(lake, paths, partition.table)
    return contents


def _row_groups(lake: Lake, paths: list[str]) -> Iterator[tuple[str, int]]:
    for path in paths:
        with pq.ParquetFile(path, filesystem=lake.files) as file:
            yield from ((path, number) for number in range(file.num_row_groups))


def _row_group(lake: Lake, path: str, number: int, columns: list[str]) -> list[pa.RecordBatch]:
    with pq.ParquetFile(path, filesystem=lake.files) as file:
        return list(file.read_row_group(number, columns=columns, use_threads=False).to_batches(max_chunksize=BATCH_ROWS))


def _add_up(contents: Contents, batch: pa.RecordBatch, key: Iterable[str], summed: list[str], ranged: list[str]) -> None:
    contents.rows += batch.num_rows
    for name in key:
        contents.nulls[name] = contents.nulls.get(name, 0) + batch[name].null_count
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
        for word in words(batch[name]):
            mixed = (prints ^ word) * np.uint64(0x9E3779B97F4A7C15)
            prints = np.where(word == 0, prints, mixed ^ (mixed >> np.uint64(32)))  # padding leaves a print as it is
    return prints


def words(values: pa.Array) -> Iterator[np.ndarray]:
    """Each value as 64-bit words, none of them 0 except as padding."""
    if pa.types.is_integer(values.type):
        yield np.asarray(pc.fill_null(values, -1)).astype(np.uint64) + np.uint64(1)
    else:
        yield from string_words(values)


def string_words(strings: pa.StringArray) -> Iterator[np.ndarray]:
    """The bytes of each string as 64-bit words, zero-padded: the first word of every row, the second, …"""
    filled = pc.fill_null(strings, "")
    _, offsets, data = filled.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[filled.offset : filled.offset + len(filled) + 1].astype(np.int64)
    lengths = np.diff(starts)
    padded = np.frombuffer(bytes(data or b"") + bytes(8), dtype=np.uint8)
    word_at = np.ndarray(padded.size - 7, dtype=np.uint64, buffer=padded, strides=(1,))  # of any byte: no string is copied
    for done in range(0, int(lengths.max(initial=0)) + 1, 8):
        held = np.clip(lengths - done, 0, 8)
        yield word_at[np.minimum(starts[:-1] + done, padded.size - 8)] & BYTES_OF_WORD[held]


def has_repeats(prints: np.ndarray) -> bool:
    """Whether two are equal; the prints are sorted in place."""
    prints.sort()
    return bool((prints[1:] == prints[:-1]).any())


def _count_repeats(lake: Lake, paths: list[str], table: Table) -> int:
    """Rows whose key an earlier row has, by the keys themselves: two different keys can share a print."""
    keys = pa.Table.from_batches(batch for group in _row_groups(lake, paths) for batch in _row_group(lake, *group, list(table.key)))
    return int(keys.num_rows - keys.group_by(list(table.key)).aggregate([]).num_rows)


def head(lake: Lake, partition: Partition, manifest: Manifest, rows: int) -> list[dict[str, Any]]:
    """The first `rows` rows of a version."""
    path = f"{partition.version_path(manifest.version)}/{manifest.files[0].name}"
    with pq.ParquetFile(path, filesystem=lake.files) as file:
        batch = next(file.iter_batches(batch_size=rows), None)
    return [] if batch is None else batch.slice(0, rows).to_pylist()
