"""Read a version back, so that it can be compared with what it was made from."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Context, Decimal
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake, reading
from cab_assets.declarations import Table
from cab_assets.store.key_hashes import NO_HASHES, has_repeats, key_hashes
from cab_assets.store.manifest import DataFile, Manifest
from cab_assets.store.stored_day import StoredDay

# Rows of a record batch: its keys fit into the CPU's cache while they are hashed
BATCH_ROWS = 50_000
# Digits of decimals whose sum over a batch has at most 38 digits
SUMMABLE = 30
# Sums of decimals of 38 digits are longer than Python's default of 28
EXACT = Context(prec=100)
# A failed check names at most this many keys
SHOWN = 3
# Threads that read row groups in parallel. The import has ended by then, so its cores are free.
READERS = 2


@dataclass
class VersionContents:
    """What was found in the files of a version."""

    schema: pa.Schema
    rows: int = 0
    # Column -> sum; None if no row has a value
    sums: dict[str, Decimal | None] = field(default_factory=dict)
    # Column -> (smallest, largest date or time); a column without values is absent
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    # Column of the key -> number of NULLs
    nulls: dict[str, int] = field(default_factory=dict)
    # Rows whose key an earlier row has, and the first of these keys
    repeated_keys: int = 0
    repeated: list[str] = field(default_factory=list)
    # The first rows with a NULL in the key
    keyless: list[str] = field(default_factory=list)


def read_back(
    day: StoredDay,
    version: str,
    files: Iterable[DataFile],
    *,
    summed: Sequence[str] = (),
    ranged: Sequence[str] = (),
) -> VersionContents:
    """Read back the key, the numbers of `summed` and the dates or timestamps of `ranged`."""
    lake, table = day.lake, day.table
    contents, adding = VersionContents(schema=pa.schema([]), sums=dict.fromkeys(summed)), Lock()

    def look(share: Share) -> np.ndarray:
        prints = [NO_HASHES]
        for batch in _batches(lake, share, list(dict.fromkeys([*table.key, *summed, *ranged]))):
            with adding:
                _add_up(contents, batch, table.key, summed, ranged)
            prints.append(key_hashes(batch, table))
        return np.sort(np.concatenate(prints))

    paths = (f"{day.folder(version)}/{file.name}" for file in files)
    shares = [share for path in paths for share in _shares(lake, path)]
    contents.schema = shares[0].metadata.schema.to_arrow_schema()
    with ThreadPoolExecutor(READERS) as pool:
        prints = np.concatenate(list(pool.map(look, shares)))
    if table.key and has_repeats(prints):
        contents.repeated_keys, contents.repeated = _repeats(lake, shares, table)
    return contents


@dataclass(frozen=True)
class Share:
    """The row groups of a file that one reader reads; none if the file has no rows."""

    path: str
    metadata: pq.FileMetaData
    groups: range


def _shares(lake: Lake, path: str) -> Iterator[Share]:
    with reading(path):
        metadata = pq.read_metadata(path, filesystem=lake.files)
    groups = metadata.num_row_groups
    yield from (
        Share(path, metadata, range(first, groups, READERS))
        for first in range(max(1, min(groups, READERS)))
    )


def _batches(lake: Lake, share: Share, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of a share.

    The file is opened only once, with known metadata: on S3, each read is a request.
    """
    with (
        reading(share.path),
        pq.ParquetFile(
            share.path, filesystem=lake.files, metadata=share.metadata, pre_buffer=True
        ) as file,
    ):
        for group in share.groups:
            yield from file.read_row_group(group, columns=columns, use_threads=False).to_batches(
                max_chunksize=BATCH_ROWS
            )


def _add_up(
    contents: VersionContents,
    batch: pa.RecordBatch,
    key: Iterable[str],
    summed: Iterable[str],
    ranged: Iterable[str],
) -> None:
    contents.rows += batch.num_rows
    for name in key:
        contents.nulls[name] = contents.nulls.get(name, 0) + batch[name].null_count
        if batch[name].null_count and len(contents.keyless) < SHOWN:
            rows = batch.filter(batch[name].is_null()).slice(0, SHOWN - len(contents.keyless))
            contents.keyless += map(_shown, rows.to_pylist())
    for name in summed:
        contents.sums[name] = _plus(contents.sums[name], _sum(batch[name]))
    for name in ranged:
        ends = pc.min_max(batch[name]).as_py()
        if ends["min"] is not None:
            first, last = contents.ranges.get(name, (ends["min"], ends["max"]))
            contents.ranges[name] = (min(first, ends["min"]), max(last, ends["max"]))


def _sum(numbers: pa.Array) -> Any:
    """Return the sum, or None without a number. Arrow's own sums would overflow unnoticed."""
    kind = numbers.type
    if pa.types.is_integer(kind):
        numbers = numbers.cast(pa.decimal128(19, 0))
    elif pa.types.is_decimal(kind) and kind.precision > SUMMABLE:
        numbers = numbers.cast(pa.decimal256(76, kind.scale))
    return pc.sum(numbers).as_py()


def _plus(total: Decimal | None, more: Any) -> Decimal | None:
    if more is None:
        return total
    return Decimal(more) if total is None else EXACT.add(total, Decimal(more))


def _repeats(lake: Lake, shares: list[Share], table: Table) -> tuple[int, list[str]]:
    """Return how many rows have the key of an earlier row, and the first of these keys.

    This compares the keys themselves, because two different keys can have the same hash.
    """
    names = list(table.key)
    keys = pa.Table.from_batches(
        batch for share in shares for batch in _batches(lake, share, names)
    )
    found = keys.group_by(names).aggregate([([], "count_all")])
    repeated = found.filter(pc.greater(found["count_all"], 1)).select(names)
    first = repeated.sort_by([(name, "ascending") for name in names]).slice(0, SHOWN)
    return int(keys.num_rows - found.num_rows), [_shown(row) for row in first.to_pylist()]


def _shown(row: dict[str, Any]) -> str:
    """Return a row as text, such as `booking_id BK1`."""
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


def head(day: StoredDay, manifest: Manifest, rows: int) -> list[dict[str, Any]]:
    """Return the first rows of a version. Times are text: Python has no years after 9999."""
    path = f"{day.folder(manifest.version)}/{manifest.files[0].name}"
    with reading(path), pq.ParquetFile(path, filesystem=day.lake.files) as file:
        batch = next(file.iter_batches(batch_size=rows), None)
    if batch is None:
        return []
    shown = [
        values.cast(pa.string()) if pa.types.is_timestamp(values.type) else values
        for values in batch.columns
    ]
    first: list[dict[str, Any]] = (
        pa.RecordBatch.from_arrays(shown, names=batch.schema.names).slice(0, rows).to_pylist()
    )
    return first
