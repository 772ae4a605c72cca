"""The audit of an imported day: compare its files with the control totals of the source."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from cab_assets.daily.row_counts import RowLimits, as_usual, not_lost
from cab_assets.declarations import SourceTable
from cab_assets.sources.bookings_db import midnight
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.source_day import ControlTotals, SourceDay
from cab_assets.store.audit import VersionContents
from cab_assets.store.checks import Check, Judgement, is_key
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import ROWS_NOT_LOST, StoredDay


@dataclass(frozen=True)
class Evidence:
    """What the checks of an import compare.

    `totals` are of the same snapshot as the rows, `contents` were read back from the files, and
    `row_hash` is the sum of the hashes that came with the rows.
    """

    day: StoredDay
    source: SourceDay
    totals: ControlTotals
    contents: VersionContents
    row_hash: int
    arrival: Judgement
    limits: RowLimits

    @cached_property
    def before(self) -> Manifest | None:
        """The newest earlier version that passed its audit."""
        return self.day.last_audited()


def equals_source(evidence: Evidence) -> Judgement:
    """Compare the control totals of the source with the contents of the files."""
    contents = evidence.contents
    declared = evidence.source.source.declared
    sums = (contents.sums[name] for name in declared.totals)
    source = evidence.totals.fingerprint
    written = fingerprint(declared, contents.rows, sums, evidence.row_hash, source.conversions)
    return source == written, _compared(source, written)


def _compared(source: Fingerprint, written: Fingerprint) -> dict[str, str]:
    theirs, ours = (each.model_dump() for each in (source, written))
    return {
        name: f"{value}" if value == ours[name] else f"source {value}, written {ours[name]}"
        for name, value in theirs.items()
        if name != "columns"
    }


def rows_inside_day(evidence: Evidence) -> Judgement:
    start, end = evidence.source.start, evidence.source.end
    first, last = evidence.contents.ranges.get(evidence.source.source.declared.day, (start, start))
    is_inside = start <= _local(first) and _local(last) < end
    return is_inside, {"first": str(first), "last": str(last)}


def _local(value: date) -> datetime:
    """Return a date or time as a time that can be compared with the edges of the day."""
    return value if isinstance(value, datetime) else midnight(value)


def schema_as_expected(evidence: Evidence) -> Judgement:
    schema = evidence.contents.schema
    return bool(schema.equals(evidence.day.table.arrow_schema)), {
        "columns": str(len(schema)),
        "left out": ", ".join(evidence.source.source.added_columns) or "none",
        "invalid times set to NULL": str(evidence.totals.unreal_times),
    }


def import_checks(table: SourceTable) -> tuple[Check[Evidence], ...]:
    """Return the checks of an imported day of a table."""
    sums = f", sums of {' and '.join(table.labels)}" if table.totals else ""
    return (
        Check(
            "equals_source",
            f"Row count{sums} and sum of row hashes equal those that the source computes in the"
            " same snapshot.",
            equals_source,
        ),
        *_key_checks(table),
        Check("rows_inside_day", f"Every {table.day} is inside the day.", rows_inside_day),
        *ALIKE,
    )


def _key_checks(table: SourceTable) -> Iterator[Check[Evidence]]:
    if table.key_check:
        yield Check(
            table.key_check,
            f"No {' and '.join(table.key)} is missing or repeated.",
            lambda evidence: is_key(evidence.contents),
        )


ALIKE: tuple[Check[Evidence], ...] = (
    Check(
        "schema_as_expected",
        "The files have exactly the table's columns and types.",
        schema_as_expected,
    ),
    Check(
        "arrived_as_sent",
        "Up to 300 random rows equal the same rows, read from the source by a second reader.",
        lambda evidence: evidence.arrival,
    ),
    Check(
        ROWS_NOT_LOST,
        "A day with 100 rows or more does not lose a larger share of them than CAB_MAX_LOSS.",
        lambda evidence: not_lost(evidence.before, evidence.contents.rows, evidence.limits),
    ),
    Check(
        "rows_as_usual",
        "The first import of yesterday has at least a tenth of the usual rows; only a warning.",
        lambda evidence: as_usual(
            evidence.day, evidence.before, evidence.contents.rows, evidence.limits
        ),
        warns=True,
    ),
)
