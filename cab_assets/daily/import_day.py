"""Bringing one day of bookings from the source into an audited version."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pyarrow as pa

from cab_assets.clients.clocks import refuse_other_clock
from cab_assets.clients.lake import Lake
from cab_assets.daily.arrival import arrived
from cab_assets.daily.row_counts import USUAL, RowLimits, row_findings
from cab_assets.schemas import BOOKINGS
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.sources.source_day import Control, Hashes, Slice, SourceDay
from cab_assets.store.audit import Contents, is_key, read_back
from cab_assets.store.manifest import DataFile, Finding, Manifest
from cab_assets.store.versions import Partition, is_whole, moment_id, newest, version_id, version_ids
from cab_assets.store.writer import PART, seal, write_rows


@dataclass(frozen=True)
class ImportedDay:
    """The newest version of a day of bookings, and whether this import made it."""

    manifest: Manifest
    changed: bool
    added_columns: list[str]  # of the source, left out


@dataclass
class Tally:
    """What passed through on the way from the source to the files."""

    row_hash: int = 0
    control: Control | None = None
    row_hashes: list[Hashes] = field(default_factory=list)  # 8 bytes for each row, where no snapshot is shared

    def through(self, slices: Iterator[Slice]) -> Iterator[pa.RecordBatch]:
        """The rows without their hashes, which are added up."""
        for each in slices:
            self.row_hash = (self.row_hash + each.row_hash) % 2**64
            self.control = each.control or self.control
            if each.row_hashes is not None:
                self.row_hashes.append(each.row_hashes)
            yield each.rows


@dataclass(frozen=True)
class Written:
    """The files of a version that is not audited yet, and what the source says of their rows."""

    source: SourceDay
    version: str
    files: tuple[DataFile, ...]
    row_hash: int  # of the rows as they arrived
    control: Control
    proof: Finding  # of values, while the snapshot is there

    @property
    def is_of_two_states(self) -> bool:
        """Whether the rows are not those of the figures, as far as can be told.

        The day was written to between the two, or it gained or lost a partition: that is not
        subject to PostgreSQL's snapshots.
        """
        return self.row_hash != self.control.fingerprint.row_hash


def import_day(db: BookingsDb, lake: Lake, day: date, run_id: str, limits: RowLimits = USUAL) -> ImportedDay:
    """Write and audit a version of `day`, unless the newest one is whole and of the state that the source is in now."""
    started, asked = time.monotonic(), datetime.now(UTC)
    partition = Partition(BOOKINGS, day.isoformat())
    with db.day(day) as source, ThreadPoolExecutor(1) as beside:
        refuse_other_clock(db.dialect.address, source.snapshot.moment, asked)
        figures = beside.submit(source.control)
        standing = _standing(lake, partition)
        if standing and _is_of(standing, figures.result()) and is_whole(lake, partition, standing):
            return ImportedDay(standing, changed=False, added_columns=source.added_columns)
        written = _write(lake, partition, run_id, source, source.slices(), figures)
    if written.is_of_two_states:
        with db.day(day) as source:
            written = _write_again(lake, partition, run_id, source, figures)
    manifest = _audited(lake, partition, written, limits, started)
    return ImportedDay(seal(lake, partition, manifest), changed=True, added_columns=source.added_columns)


def _write_again(lake: Lake, partition: Partition, run_id: str, source: SourceDay, figures: Future[Control]) -> Written:
    """Write the rows of a newer state, with its own figures."""
    if not source.shares_a_snapshot:
        return _write(lake, partition, run_id, source, source.in_one_statement(), figures)
    with ThreadPoolExecutor(1) as beside:
        return _write(lake, partition, run_id, source, source.slices(), beside.submit(source.control))


def _write(lake: Lake, partition: Partition, run_id: str, source: SourceDay, slices: Iterator[Slice], figures: Future[Control]) -> Written:
    """Write the rows; their figures come with them, or else from `figures`."""
    version = version_id(moment_id(source.snapshot.moment), BOOKINGS, run_id)
    tally = Tally()
    files = write_rows(lake, partition, version, tally.through(slices))
    control = tally.control or figures.result()
    path = f"{partition.version_path(version)}/{PART}"
    return Written(source, version, files, tally.row_hash, control, arrived(source, lake, path, tally.row_hashes))


def _audited(lake: Lake, partition: Partition, written: Written, limits: RowLimits, started: float) -> Manifest:
    contents = read_back(lake, partition, written.version, written.files, summed=["trip_fare", "tip_amount"], ranged=["pickup_timestamp"])
    return Manifest(
        table=BOOKINGS.name,
        day=partition.day,
        version=written.version,
        code_version=BOOKINGS.code_version,
        files=written.files,
        rows=contents.rows,
        fingerprint=written.control.fingerprint,
        findings=(*findings(written, contents), written.proof, *row_findings(lake, partition, contents.rows, limits)),
        seconds=round(time.monotonic() - started, 3),
    )


def _standing(lake: Lake, partition: Partition) -> Manifest | None:
    """The newest version, if it is made by today's code."""
    manifest = newest(lake, partition)
    if manifest is None or manifest.version != max(version_ids(lake, partition)):
        return None  # a newer one that no longer counts may be what is visible, and no pointer goes back to an older version
    return manifest if manifest.code_version == BOOKINGS.code_version else None


def _is_of(manifest: Manifest, control: Control) -> bool:
    """Whether it is of the state that the source is in."""
    return manifest.fingerprint is not None and not manifest.fingerprint.differs_from(control.fingerprint)


def findings(written: Written, contents: Contents) -> tuple[Finding, ...]:
    """The audit: what lies in the files against what the source says of the same snapshot."""
    source, control = written.source, written.control
    found = fingerprint(contents.rows, contents.sums["trip_fare"], contents.sums["tip_amount"], written.row_hash)
    return (
        _equals_source(control.fingerprint, found),
        is_key("booking_id_is_key", contents),
        _inside_day(source, contents),
        Finding(
            check="schema_as_expected",
            passed=contents.schema.equals(BOOKINGS.arrow_schema),
            detail={
                "columns": str(len(contents.schema)),
                "left out": ", ".join(source.added_columns) or "none",
                "drop times set to NULL": str(control.unreal_drops),
            },
        ),
    )


def _equals_source(source: Fingerprint, written: Fingerprint) -> Finding:
    figures = (each.model_dump(exclude={"columns"}) for each in (source, written))
    both = zip(next(figures).items(), next(figures).values(), strict=True)
    detail = {name: f"{theirs}" if theirs == ours else f"source {theirs}, written {ours}" for (name, theirs), ours in both}
    return Finding(check="equals_source", passed=source == written, detail=detail)


def _inside_day(source: SourceDay, contents: Contents) -> Finding:
    first, last = contents.ranges.get("pickup_timestamp", (source.start, source.start))
    return Finding(check="rows_inside_day", passed=source.start <= first and last < source.end, detail={"first": str(first), "last": str(last)})
