"""The jobs of the group: import days, and compare days with the source."""

from datetime import datetime, timedelta

import dagster as dg

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.daily.changes import NOTHING
from cab_assets.daily.compare import Comparison, Window, compare
from cab_assets.defs.bookings.assets import AGGREGATES, PUBLISHED, RAW, SOURCE
from cab_assets.defs.bookings.checks import EVERY_ROW_HAS_A_DAY, outcome
from cab_assets.defs.figures import totals
from cab_assets.defs.specs import log_check
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.sweep import ForeignPartition
from cab_assets.store.table_store import TableStore

# A comparison of every day may take so many times CAB_STATEMENT_SECONDS: by default an hour
SWEEP_FACTOR = 60
# Metadata of an observation, which `bookings_changes_sensor` reads
CHANGED_DAYS = "changed_days"

bookings_daily = dg.define_asset_job(
    "bookings_daily",
    selection=dg.AssetSelection.assets(RAW, PUBLISHED, AGGREGATES),
    description="Import, publish and aggregate days of bookings.",
)


class ComparisonConfig(dg.Config):
    """Which days are compared with the source, and by which figures."""

    # Compare every day, not only the look-back window, and compare the days in Hive with the lake
    everything: bool = False
    # Compare the sum of row hashes too, which detects a correction of any column
    hashed: bool = True


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
    """Compare days of the source with the published ones, and log the result on `rds_bookings`."""
    tables = [TableStore(table, lake, hive) for table in (BOOKINGS, BOOKING_AGGREGATES)]
    of = window(environment, config)
    found = compare(bookings_db, tables, of, context.log)
    for day in found.changed:
        seen = _figures(found.source.get(day, NOTHING)) | {"changed": True}
        context.log_event(dg.AssetObservation(SOURCE, partition=day, metadata=seen))
    # First: the sensor imports what was found, also if the count below takes too long
    context.log_event(_summary(of, found))
    lost = bookings_db.rows_without_a_day(environment.start_date, seconds=of.seconds)
    log_check(context, SOURCE, EVERY_ROW_HAS_A_DAY, **outcome(lost))
    if found.strays:
        raise ForeignPartition("\n".join(map(str, found.strays)))


def _summary(window: Window, found: Comparison) -> dg.AssetObservation:
    counts = f"{len(found.changed)} of {len(found.source)}"
    return dg.AssetObservation(
        SOURCE,
        description=f"{counts} days with rows differ from what is published",
        metadata={
            "first_day": str(window.start),
            "last_day": str(window.last),
            "hashed": window.hashed,
            CHANGED_DAYS: found.changed,
            "withheld_days": found.withheld,
        },
    )


@dg.job(description="Compare the days of the look-back window, or every day, with the source.")
def observe_bookings() -> None:
    observe()


def window(environment: Environment, config: ComparisonConfig) -> Window:
    """Return the days to compare. All of them are over in the business time zone."""
    today = datetime.now(environment.timezone).date()
    recent = today - timedelta(environment.lookback_days)
    first = environment.start_date
    seconds = environment.statement_seconds
    if config.everything:
        return Window(first, today, config.hashed, everything=True, seconds=seconds * SWEEP_FACTOR)
    return Window(max(recent, first), today, config.hashed, everything=False, seconds=seconds)


def _figures(seen: Fingerprint) -> dict[str, float | int | str]:
    exact = {} if seen.row_hash is None else {"row_hash": str(seen.row_hash)}
    return {"rows": seen.rows, **totals(seen), **exact}
