"""Import one day of a table from the source into an audited version."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pyarrow as pa

from cab_assets.clients.clocks import raise_if_clock_differs
from cab_assets.daily.arrival import arrived
from cab_assets.daily.import_checks import Evidence, import_checks
from cab_assets.daily.row_counts import USUAL, RowLimits
from cab_assets.declarations import SourceTable
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.source_day import ControlTotals, Hashes, Slice, SourceDay
from cab_assets.store.checks import Judgement, judged
from cab_assets.store.draft import Draft
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.versions import moment_id, version_id


@dataclass(frozen=True)
class ImportedDay:
    """The newest version of a day of a table. It is new if `changed`.

    `added_columns` are columns of the source that are not imported; `path` is the version's folder.
    """

    table: SourceTable
    manifest: Manifest
    changed: bool
    added_columns: list[str]
    path: str


@dataclass
class Tally:
    """Sum of row hashes, control totals and row hashes, collected while the rows are written."""

    row_hash: int = 0
    totals: ControlTotals | None = None
    # 8 bytes for each row; empty if connections share a snapshot
    row_hashes: list[Hashes] = field(default_factory=list)

    def through(self, slices: Iterator[Slice]) -> Iterator[pa.RecordBatch]:
        """Yield the rows without their hashes, and add up the hashes."""
        for each in slices:
            self.row_hash = (self.row_hash + each.row_hash) % 2**64
            self.totals = each.totals or self.totals
            if each.row_hashes is not None:
                self.row_hashes.append(each.row_hashes)
            yield each.rows


@dataclass(frozen=True)
class Written:
    """A draft that is not audited yet, and the source's figures of its rows.

    `row_hash` is the sum of the hashes that came with the rows. `arrival` is decided here, because
    it needs the snapshot, which ends before the audit.
    """

    source: SourceDay
    draft: Draft
    row_hash: int
    totals: ControlTotals
    arrival: Judgement

    @property
    def is_of_two_states(self) -> bool:
        """Return whether the rows and the control totals are of different states of the day.

        The day was changed between the two; or a partition was attached or detached, which
        PostgreSQL's snapshots do not isolate.
        """
        return self.row_hash != self.totals.fingerprint.row_hash


def import_day(
    db: BookingsDb, day: StoredDay, run_id: str, limits: RowLimits = USUAL, *, anew: bool = False
) -> ImportedDay:
    """Return the newest version if it equals the source; else import the day as a new one.

    If `anew`, import it in any case: its partition points to a newer version that is gone.
    """
    began, asked = time.monotonic(), datetime.now(UTC)
    # Listed before the snapshot, so that all of them are older
    before = day.version_ids()
    with db.day(date.fromisoformat(day.date)) as source, ThreadPoolExecutor(1) as beside:
        raise_if_clock_differs(db.dialect.address, source.snapshot.moment, asked)
        figures = beside.submit(source.control_totals)
        current = None if anew else _current(day, before)
        if current and _is_of(current, figures.result()) and day.is_intact(current):
            return _imported(day, current, source, changed=False)
        draft = _draft(day, run_id, source, before)
        written = _write(draft, source, source.slices(), figures)
    if written.is_of_two_states:
        before = day.version_ids()
        with db.day(date.fromisoformat(day.date)) as source:
            written = _write_again(_draft(day, run_id, source, before), source, figures)
    written.draft.began = began
    manifest = _seal(day, written, limits)
    return _imported(day, manifest, source, changed=True)


def _imported(
    day: StoredDay, manifest: Manifest, source: SourceDay, *, changed: bool
) -> ImportedDay:
    declared, added = source.source.declared, source.source.added_columns
    return ImportedDay(declared, manifest, changed, added, day.folder(manifest.version))


def _draft(day: StoredDay, run_id: str, source: SourceDay, before: list[str]) -> Draft:
    """Return a draft whose id is greater than `before`, the ids of the versions, newest first."""
    moment = moment_id(source.snapshot.moment, after=next(iter(before), None))
    return Draft(day, version_id(moment, day.table, run_id))


def _write_again(draft: Draft, source: SourceDay, figures: Future[ControlTotals]) -> Written:
    """Write the rows of a newer state, with the control totals of that state."""
    if not source.shares_a_snapshot:
        return _write(draft, source, source.in_one_statement(), figures)
    with ThreadPoolExecutor(1) as beside:
        return _write(draft, source, source.slices(), beside.submit(source.control_totals))


def _write(
    draft: Draft, source: SourceDay, slices: Iterator[Slice], figures: Future[ControlTotals]
) -> Written:
    """Write the rows. Their control totals come with the rows or from `figures`."""
    tally = Tally()
    draft.write(tally.through(slices))
    totals = tally.totals or figures.result()
    arrival = arrived(source, draft.day.lake, draft.path, tally.row_hashes)
    return Written(source, draft, tally.row_hash, totals, arrival)


def _seal(day: StoredDay, written: Written, limits: RowLimits) -> Manifest:
    declared = written.source.source.declared
    contents = written.draft.read_back(summed=declared.totals, ranged=[declared.day])
    source, totals = written.source, written.totals
    evidence = Evidence(day, source, totals, contents, written.row_hash, written.arrival, limits)
    audit = judged(import_checks(declared), evidence)
    of = totals.fingerprint
    return written.draft.seal(contents.rows, audit, fingerprint=of, conversions=of.conversions)


def _current(day: StoredDay, ids: list[str]) -> Manifest | None:
    """Return the newest of the versions if it is valid and was made by this code version."""
    manifest = day.newest()
    if manifest is None or manifest.version != next(iter(ids), None):
        # The newest folder is not valid but may be published. The pipeline never goes back to an
        # older version, so the day is imported again.
        return None
    return manifest if manifest.code_version == day.table.code_version else None


def _is_of(manifest: Manifest, totals: ControlTotals) -> bool:
    """Return whether the version and the source have the same fingerprint."""
    return manifest.fingerprint is not None and not manifest.fingerprint.differs_from(
        totals.fingerprint
    )
