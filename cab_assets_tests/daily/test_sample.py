from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake
from cab_assets.daily.arrival import sample
from cab_assets.tables.bookings import BOOKINGS


def test_a_row_group_without_a_row_gives_no_row_to_compare(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "part.parquet", BOOKINGS.arrow_schema) as file:
        file.write_batch(pa.RecordBatch.from_pylist([], BOOKINGS.arrow_schema))
    assert sample(Lake(f"file://{tmp_path}"), "part.parquet") == []
