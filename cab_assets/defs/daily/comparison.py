"""The job that compares days of all source tables with the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.daily.changes import NOTHING
from cab_assets.daily.compare import Comparison, Window, compare
from cab_assets.declarations import SourceTable
from cab_assets.defs.daily.daily_table import DailyTable
from cab_assets.defs.daily.rows_without_a_day import EVERY_ROW_HAS_A_DAY, outcome
from cab_assets.defs.figures import totals
from cab_assets.defs.specs import log_check
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.sweep import ForeignPartition
from cab_assets.store.table_store import TableStore

# A comparison of every day may take so many times CAB_STATEMENT_SECONDS: by default an hour
SWEEP_FACTOR = 60
# Metadata of an observation, which `bookings_changes_sensor` reads
CHANGED_DAYS = "changed_days"


class ComparisonConfig(dg.Config):
    """Which days are compared with the source, and by which figures."""

    # Compare every day, not only the look-back window, and compare the days in Hive with the lake
    everything: bool = False
    # Compare the sum of row hashes too, which detects a correction of any column
    hashed: bool = True


class TablesDiffer(CabError):
    """Several tables could not be compared, or have partitions that are no day."""


def comparison_job(tables: Sequence[DailyTable]) -> dg.JobDefinition:
    """Return the job that compares days of all `tables`."""

    @dg.op
    @step
    def observe(
        context: dg.OpExecutionContext,
        config: ComparisonConfig,
        environment: dg.ResourceParam[Environment],
        bookings_db: dg.ResourceParam[BookingsDb],
        lake: dg.ResourceParam[Lake],
        hive: dg.ResourceParam[Hive],
    ) -> None:
        """Compare days of the source with the published ones, and log the result on its assets."""
        wrong: list[CabError] = []
        for each in tables:
            stores = [TableStore(table, lake, hive) for table in each.tables]
            look = Look(context, environment, bookings_db.of(each.source), each.source, stores)
            # A table that cannot be compared does not hold back the others
            try:
                look.run(window(environment, config))
            except CabError as error:
                wrong.append(error)
        if wrong:
            raise wrong[0] if len(wrong) == 1 else TablesDiffer("\n".join(map(str, wrong)))

    @dg.job(
        name="observe_bookings",
        # dagster.yaml allows one at a time: a source that hangs must not take all places of runs
        tags={"cab/comparison": "bookings"},
        description="Compare the days of the look-back window, or every day, with the source.",
    )
    def compare_days() -> None:
        observe()

    return compare_days


@dataclass(frozen=True)
class Look:
    """The comparison of one source table; `stores` are the table and those derived from it."""

    context: dg.OpExecutionContext
    environment: Environment
    db: BookingsDb
    source: SourceTable
    stores: Sequence[TableStore]

    def run(self, window: Window) -> None:
        """Log the days that differ, a summary and the check of rows without a day.

        Raises ForeignPartition if Hive has partitions that are no day.
        """
        found = compare(self.db, self.stores, window, self.context.log)
        for day in found.changed:
            figures = _figures(self.source, found.source.get(day, NOTHING)) | {"changed": True}
            self.context.log_event(
                dg.AssetObservation(self.source.observed, partition=day, metadata=figures)
            )
        # First: the sensor imports what was found, also if the count below takes too long
        self.context.log_event(self._summary(window, found))
        lost = self.db.rows_without_a_day(self.environment.start_date, seconds=window.seconds)
        key = dg.AssetKey(self.source.observed)
        log_check(self.context, key, EVERY_ROW_HAS_A_DAY, **outcome(lost))
        if found.strays:
            raise ForeignPartition("\n".join(map(str, found.strays)))

    def _summary(self, window: Window, found: Comparison) -> dg.AssetObservation:
        counts = f"{len(found.changed)} of {len(found.source)}"
        return dg.AssetObservation(
            self.source.observed,
            description=f"{counts} days with rows differ from what is published",
            metadata={
                "first_day": str(window.start),
                "last_day": str(window.last),
                "hashed": window.hashed,
                CHANGED_DAYS: found.changed,
                "withheld_days": found.withheld,
            },
        )


def window(environment: Environment, config: ComparisonConfig) -> Window:
    """Return the days to compare. All of them are over in the business time zone."""
    today = datetime.now(environment.timezone).date()
    recent = today - timedelta(environment.lookback_days)
    first = environment.start_date
    seconds = environment.statement_seconds
    if config.everything:
        return Window(first, today, config.hashed, everything=True, seconds=seconds * SWEEP_FACTOR)
    return Window(max(recent, first), today, config.hashed, everything=False, seconds=seconds)


def _figures(table: SourceTable, seen: Fingerprint) -> dict[str, float | int | str]:
    exact = {} if seen.row_hash is None else {"row_hash": str(seen.row_hash)}
    return {"rows": seen.rows, **totals(table, seen), **exact}
