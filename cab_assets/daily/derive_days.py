"""Derive days of a table: one Spark job for all days, one new version per day."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.declarations import ROWS, AddsUp, DerivedTable, SourceTable, Unique
from cab_assets.errors import CabError
from cab_assets.store.audit import VersionContents
from cab_assets.store.checks import Check, Judgement, judged
from cab_assets.store.draft import Draft
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Withheld
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import Manifests, TableStore
from cab_assets.store.versions import version_id


class NothingToAggregate(CabError):
    """A day has no published, intact version of the rows that it is made from."""


def derive_days(
    spark: Spark, table: DerivedTable, store: TableStore, published: Manifests, run_id: str
) -> Generator[Withheld, None, list[str]]:
    """Write and audit each day of a derived table; return the days whose audit passed.

    `published` is day -> version of the table that it is made from. A day that was made from that
    version stays as it is.
    """
    audited = {
        day: manifest
        for day, of in published.items()
        if (manifest := _current(table, store.day(day), of))
    }
    missing = {day: manifest for day, manifest in published.items() if day not in audited}
    if missing:
        rows = spark.run(lambda session: _derived(session, table, store.lake, missing))
        audited |= {
            day: _write(table, store.day(day), of, rows, run_id) for day, of in missing.items()
        }
    for manifest in audited.values():
        if not manifest.passed:
            yield Withheld(table.name, manifest)
    return [day for day, manifest in audited.items() if manifest.passed]


def _derived(
    session: SparkSession, table: DerivedTable, lake: Lake, versions: Manifests
) -> pa.Table:
    rows = published_rows(session, lake, table.made_from, versions)
    return derive(session, table, rows).toArrow()


def derive(session: SparkSession, table: DerivedTable, rows: DataFrame) -> DataFrame:
    """Return the rows of a derived table, with its partition column first."""
    return session.sql(table.sql, rows=rows).select(table.partition_column, *table.names)


def published_rows(
    session: SparkSession, lake: Lake, table: SourceTable, versions: Manifests
) -> DataFrame:
    """Return exactly the rows of these versions, with the partition column.

    Files are read by path, because partitions may be moved to other versions meanwhile.
    """
    days = {day: StoredDay(table, lake, day) for day in versions}
    files = [url for day, manifest in versions.items() for url in days[day].urls(manifest)]
    schema = f"{table.ddl}, {table.partition_column} string, version string"
    return session.read.schema(schema).option("basePath", lake.url(table.name)).parquet(*files)


def _current(table: DerivedTable, day: StoredDay, made_from: Manifest) -> Manifest | None:
    """Return the newest version if it is intact and was made from `made_from` by this code."""
    manifest = day.newest()
    if manifest is None or manifest.code_version != table.code_version:
        return None
    if manifest.made_from != {table.made_from.name: made_from.version}:
        return None
    return manifest if day.is_intact(manifest) else None


def _write(
    table: DerivedTable, day: StoredDay, made_from: Manifest, rows: pa.Table, run_id: str
) -> Manifest:
    draft = Draft(day, version_id(made_from.version, table, run_id))
    own = rows.filter(pc.equal(rows[table.partition_column], day.date))
    if table.key:
        own = own.sort_by([(name, "ascending") for name in table.key])
    draft.write(own.select(table.names).cast(table.arrow_schema).to_batches())
    contents = draft.read_back(summed=summed(table))
    audit = judged(derived_checks(table), Evidence(table, made_from, contents))
    return draft.seal(contents.rows, audit, made_from={table.made_from.name: made_from.version})


@dataclass(frozen=True)
class Evidence:
    """What the checks of a derived day compare."""

    table: DerivedTable
    made_from: Manifest
    contents: VersionContents


def derived_checks(table: DerivedTable) -> tuple[Check[Evidence], ...]:
    """Return the checks of a day of a derived table."""
    return tuple(Check(each.name, each.claim, _judge(each)) for each in table.checks)


def _judge(check: Unique | AddsUp) -> Callable[[Evidence], Judgement]:
    return _unique if isinstance(check, Unique) else partial(_adds_up, check)


def summed(table: DerivedTable) -> list[str]:
    """Return the columns whose sums are compared."""
    sums = (each.sums for each in table.checks if isinstance(each, AddsUp))
    return list(dict.fromkeys(column for pairs in sums for column, _ in pairs))


def _unique(evidence: Evidence) -> Judgement:
    return evidence.contents.repeated_keys == 0, {"rows": str(evidence.contents.rows)}


def _adds_up(check: AddsUp, evidence: Evidence) -> Judgement:
    table, made_from = evidence.table, evidence.made_from
    expected = {column: _total(table.made_from, made_from, total) for column, total in check.sums}
    sums = ((column, evidence.contents.sums[column]) for column in expected)
    found = {name: "0" if total is None else str(total) for name, total in sums}
    return found == expected, {
        name: figure
        if found[name] == figure
        else f"{table.made_from.name} {figure}, {table.name} {found[name]}"
        for name, figure in expected.items()
    }


def _total(table: SourceTable, manifest: Manifest, total: str) -> str:
    """Return a total of an imported day as text; 0 if no row has a value."""
    if total == ROWS:
        return str(manifest.rows)
    labels = dict(zip(table.totals, table.labels, strict=True))
    totals = manifest.fingerprint.totals if manifest.fingerprint else {}
    return totals.get(labels[total]) or "0"
