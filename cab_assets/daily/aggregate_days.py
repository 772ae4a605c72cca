"""Aggregate published days of bookings: one Spark job for all days, one new version per day."""

from collections.abc import Generator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.errors import CabError
from cab_assets.schemas import BOOKINGS
from cab_assets.store.audit import VersionContents
from cab_assets.store.checks import Check, Judgement, judged
from cab_assets.store.draft import Draft
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Withheld
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import Manifests, TableStore
from cab_assets.store.versions import version_id
from cab_assets.transforms.aggregates import aggregate_bookings

TOTALS = ("total_bookings", "total_booking_amount", "total_tip_amount")


class NothingToAggregate(CabError):
    """A day has no published, intact version of its bookings."""


def aggregate_days(
    spark: Spark, store: TableStore, bookings: Manifests, run_id: str
) -> Generator[Withheld, None, list[str]]:
    """Write and audit the aggregates of each day; return the days whose audit passed.

    `bookings` is day -> published version. A day whose aggregates were made from that version stays
    as it is.
    """
    audited = {
        day: manifest for day, of in bookings.items() if (manifest := _current(store.day(day), of))
    }
    missing = {day: manifest for day, manifest in bookings.items() if day not in audited}
    if missing:
        rows = spark.run(lambda session: _aggregated(session, store.lake, missing))
        audited |= {day: _write(store.day(day), of, rows, run_id) for day, of in missing.items()}
    for manifest in audited.values():
        if not manifest.passed:
            yield Withheld(store.table.name, manifest)
    return [day for day, manifest in audited.items() if manifest.passed]


def _aggregated(session: SparkSession, lake: Lake, bookings: Manifests) -> pa.Table:
    return aggregate_bookings(published_bookings(session, lake, bookings)).toArrow()


def published_bookings(session: SparkSession, lake: Lake, versions: Manifests) -> DataFrame:
    """Return exactly the rows of these versions, with `booking_date`.

    Files are read by path, because partitions may be moved to other versions meanwhile.
    """
    days = {day: StoredDay(BOOKINGS, lake, day) for day in versions}
    files = [url for day, manifest in versions.items() for url in days[day].urls(manifest)]
    schema = f"{BOOKINGS.ddl}, {BOOKINGS.partition_column} string, version string"
    return session.read.schema(schema).option("basePath", lake.url(BOOKINGS.name)).parquet(*files)


def _current(day: StoredDay, made_from: Manifest) -> Manifest | None:
    """Return the newest version if it is intact and was made from `made_from` by this code."""
    manifest = day.newest()
    if manifest is None or manifest.code_version != day.table.code_version:
        return None
    if manifest.made_from != {BOOKINGS.name: made_from.version}:
        return None
    return manifest if day.is_intact(manifest) else None


def _write(day: StoredDay, made_from: Manifest, rows: pa.Table, run_id: str) -> Manifest:
    draft = Draft(day, version_id(made_from.version, day.table, run_id))
    own = rows.filter(pc.equal(rows[day.table.partition_column], day.date)).sort_by("currency_code")
    draft.write(own.select(day.table.names).cast(day.table.arrow_schema).to_batches())
    contents = draft.read_back(summed=TOTALS)
    audit = judged(AGGREGATE_CHECKS, Evidence(made_from, contents))
    return draft.seal(contents.rows, audit, made_from={BOOKINGS.name: made_from.version})


@dataclass(frozen=True)
class Evidence:
    """What the checks of an aggregated day compare."""

    bookings: Manifest
    contents: VersionContents


def adds_up_to_bookings(evidence: Evidence) -> Judgement:
    made_from, of_source = evidence.bookings, evidence.bookings.fingerprint
    totals = of_source.totals.values() if of_source else (None, None)
    figures = [str(made_from.rows), *(total or "0" for total in totals)]
    expected = dict(zip(TOTALS, figures, strict=True))
    sums = evidence.contents.sums
    found = {name: "0" if total is None else str(total) for name, total in sums.items()}
    return found == expected, {
        name: figure if found[name] == figure else f"bookings {figure}, aggregates {found[name]}"
        for name, figure in expected.items()
    }


AGGREGATE_CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        "adds_up_to_bookings",
        "The sums over all currencies equal the number, fares and tips of the published bookings.",
        adds_up_to_bookings,
    ),
    Check(
        "one_row_per_currency",
        "Each currency has exactly one row.",
        lambda evidence: (
            evidence.contents.repeated_keys == 0,
            {"rows": str(evidence.contents.rows)},
        ),
    ),
)
