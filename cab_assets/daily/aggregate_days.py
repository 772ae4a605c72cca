"""Aggregating published days of bookings: one Spark job for all of them, a version of its own for each."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.store.audit import Contents, read_back
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.versions import Partition, data_urls, is_whole, newest, version_id
from cab_assets.store.writer import seal, write_rows
from cab_assets.transforms.aggregates import aggregate_bookings


@dataclass(frozen=True)
class AggregatedDay:
    """The newest version of a day of aggregates, and whether it was made just now."""

    manifest: Manifest
    changed: bool


def aggregate_days(spark: Spark, lake: Lake, bookings: Mapping[str, Manifest], run_id: str) -> dict[str, AggregatedDay]:
    """Write and audit aggregates of each day of `bookings`, its published version; a day already made from that version stays."""
    standing = {day: manifest for day, made_from in bookings.items() if (manifest := _standing(lake, made_from))}
    missing = {day: manifest for day, manifest in bookings.items() if day not in standing}
    made: dict[str, AggregatedDay] = {}
    if missing:
        rows = spark.run(lambda session: aggregate_bookings(published_bookings(session, lake, missing)).toArrow())
        made = {day: AggregatedDay(_write(lake, manifest, rows, run_id), changed=True) for day, manifest in missing.items()}
    return made | {day: AggregatedDay(manifest, changed=False) for day, manifest in standing.items()}


def published_bookings(session: SparkSession, lake: Lake, versions: Mapping[str, Manifest]) -> DataFrame:
    """Exactly the rows of these versions, with `booking_date`: the pointers may move while the job runs."""
    files = [url for day, manifest in versions.items() for url in data_urls(lake, Partition(BOOKINGS, day), manifest)]
    schema = f"{BOOKINGS.ddl}, {BOOKINGS.partition_column} string, version string"
    return session.read.schema(schema).option("basePath", lake.url(BOOKINGS.name)).parquet(*files)


def _standing(lake: Lake, made_from: Manifest) -> Manifest | None:
    partition = Partition(BOOKING_AGGREGATES, made_from.day)
    manifest = newest(lake, partition)
    if manifest is None or manifest.code_version != BOOKING_AGGREGATES.code_version or manifest.made_from != {BOOKINGS.name: made_from.version}:
        return None
    return manifest if is_whole(lake, partition, manifest) else None


def _write(lake: Lake, made_from: Manifest, rows: pa.Table, run_id: str) -> Manifest:
    started = time.monotonic()
    partition = Partition(BOOKING_AGGREGATES, made_from.day)
    version = version_id(made_from.version, BOOKING_AGGREGATES, run_id)
    ours = rows.filter(pc.equal(rows[BOOKING_AGGREGATES.partition_column], made_from.day)).sort_by("currency_code")
    files = write_rows(lake, partition, version, ours.select(BOOKING_AGGREGATES.names).cast(BOOKING_AGGREGATES.arrow_schema).to_batches())
    contents = read_back(lake, partition, version, files, summed=["total_bookings", "total_booking_amount", "total_tip_amount"], ranged=[])
    manifest = Manifest(
        table=BOOKING_AGGREGATES.name,
        day=made_from.day,
        version=version,
        code_version=BOOKING_AGGREGATES.code_version,
        files=files,
        rows=contents.rows,
        findings=findings(made_from, contents),
        made_from={BOOKINGS.name: made_from.version},
        seconds=round(time.monotonic() - started, 3),
    )
    return seal(lake, partition, manifest)


def findings(bookings: Manifest, contents: Contents) -> tuple[Finding, ...]:
    """The audit: the aggregates of a day add up to its bookings, and each currency is there once."""
    fare, tip = (bookings.fingerprint.fare, bookings.fingerprint.tip) if bookings.fingerprint else (None, None)
    expected = {"total_bookings": str(bookings.rows), "total_booking_amount": fare or "0", "total_tip_amount": tip or "0"}
    found = {name: "0" if total is None else str(total) for name, total in contents.sums.items()}
    detail = {name: found[name] if found[name] == expected[name] else f"bookings {expected[name]}, aggregates {found[name]}" for name in expected}
    return (
        Finding(check="adds_up_to_bookings", passed=found == expected, detail=detail),
        Finding(check="one_row_per_currency", passed=contents.repeated_keys == 0, detail={"rows": str(contents.rows)}),
    )
