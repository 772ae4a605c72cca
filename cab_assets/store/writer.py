"""Write Parquet files that Spark, Hive and Arrow can read."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake, refused
from cab_assets.declarations import Table
from cab_assets.store.manifest import DataFile

# Size limit of a column's dictionary. It is low, so that Parquet soon stops building a dictionary
# for a column with many distinct values.
DICTIONARY_BYTES = 1 << 16
# Buffer size of a file. Parquet writes page by page; on HDFS, each write starts a thread, to have a
# time-out.
WRITE_BYTES = 1 << 20
# Arrow's default pool returns memory to the system after each row group and must request it again
POOL = pa.system_memory_pool()
# Rows of a row group. Larger ones make smaller files, but the import waits while one is encoded.
ROW_GROUP_ROWS = 125_000
# Limit of a row group in memory, for rows that are larger than usual; 125,000 bookings are 12 MB
ROW_GROUP_BYTES = 64 << 20


def write_parquet(
    lake: Lake, path: str, table: Table, batches: Iterable[pa.RecordBatch]
) -> DataFile:
    """Write `batches` (of the table's Arrow schema) as a Parquet file, or raise LakeRefused."""
    folder, _, name = path.rpartition("/")
    rows = 0
    try:
        lake.make_folder(folder)
        with lake.files.open_output_stream(path, buffer_size=WRITE_BYTES) as stream:
            hashed = Hashed(stream)
            options = parquet_options(table)
            with pq.ParquetWriter(
                hashed, table.arrow_schema, memory_pool=POOL, **options
            ) as writer:
                for group in _row_groups(batches):
                    writer.write_table(group)
                    rows += group.num_rows
        lake.holds(path, hashed.bytes)
    except OSError as error:
        raise refused(path, error) from error
    return DataFile(name=name, bytes=hashed.bytes, rows=rows, sha256=hashed.sha256.hexdigest())


class Hashed(io.RawIOBase):
    """A file that hashes what is written to it, so that the stored file can be compared later."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.sha256.update(content)
        self._stream.write(content)
        self.bytes += len(content)
        return len(content)


def parquet_options(table: Table) -> dict[str, object]:
    """Return the options of Parquet files: zstd, and an encoding for each type.

    Only encodings that Spark's vectorized reader and Hive support are used. BYTE_STREAM_SPLIT would
    make coordinates smaller, but Spark 4.2 cannot read it.
    """
    types = {column.name: column.type for column in table.columns}
    delta = [name for name, kind in types.items() if kind in ("bigint", "timestamp")]
    # Columns with too many values for a dictionary
    distinct = {*table.key, *delta, *(name for name, kind in types.items() if kind == "double")}
    return {
        "compression": "zstd",
        "use_dictionary": [name for name in types if name not in distinct] or False,
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        # As Spark writes them, and cheaper than bytes
        "store_decimal_as_integer": True,
        "column_encoding": dict.fromkeys(delta, "DELTA_BINARY_PACKED") or None,
        # No statistics for strings: they are expensive to compute, and no query filters on them
        "write_statistics": [name for name, kind in types.items() if kind != "string"],
    }


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        rows, size = sum(each.num_rows for each in gathered), sum(each.nbytes for each in gathered)
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)
