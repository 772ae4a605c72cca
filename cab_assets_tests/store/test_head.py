from pathlib import Path

import pyarrow as pa

from cab_assets.clients.lake import Lake
from cab_assets.store.audit import head
from cab_assets.store.manifest import Manifest
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import bookings_day, written

YEAR_12020 = 317_150_985_600_000_000  # in microseconds; PostgreSQL has times to the year 294276


def test_a_time_after_the_year_9999_is_shown(tmp_path: Path) -> None:
    day = bookings_day(Lake(f"file://{tmp_path}"), "2020-01-02")
    drops = pa.array([YEAR_12020, None]).cast(pa.timestamp("us"))
    columns = {
        name: drops if name == "drop_timestamp" else pa.nulls(2, kind)
        for name, kind in types().items()
    }
    rows = pa.record_batch(columns, schema=BOOKINGS.arrow_schema)
    files = written(day, "version", iter([rows]))
    manifest = Manifest(
        table=BOOKINGS.name,
        day=day.date,
        version="version",
        code_version=1,
        files=files,
        rows=2,
        findings=(),
        seconds=0,
    )
    assert [row["drop_timestamp"] for row in head(day, manifest, 10)] == [
        "12020-02-12 00:00:00.000000",
        None,
    ]


def types() -> dict[str, pa.DataType]:
    return {field.name: field.type for field in BOOKINGS.arrow_schema}
