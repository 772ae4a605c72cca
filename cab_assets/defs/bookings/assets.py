"""Bookings: from the rides' database to Hive, and what is told of them, day by day."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from cab_assets.clients.hive import PARTITIONS_A_STATEMENT, Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.daily.aggregate_days import aggregate_days
from cab_assets.daily.days import import_days
from cab_assets.daily.retries import Outage
from cab_assets.daily.row_counts import ACCEPT_LOSS, RowLimits
from cab_assets.defs.bookings.checks import audits
from cab_assets.defs.bookings.report import Report
from cab_assets.defs.partitions import daily
from cab_assets.defs.specs import table_spec
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS, Table
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.store.publish import Publication, published, whole

SOURCE, RAW = dg.AssetKey("rds_bookings"), dg.AssetKey("raw_bookings")
PUBLISHED, AGGREGATES = dg.AssetKey(BOOKINGS.name), dg.AssetKey(BOOKING_AGGREGATES.name)


def spec(key: dg.AssetKey, *, deps: list[dg.AssetKey], table: Table, kinds: set[str], description: str) -> dg.AssetSpec:
    """A daily asset of the group."""
    return table_spec(key, group="bookings", deps=deps, table=table, kinds=kinds, description=description, partitions_def=daily)


rds_bookings = spec(
    SOURCE,
    deps=[],
    table=BOOKINGS,
    kinds={"postgres", "mysql"},
    description="One row per completed ride, in the rides' database; observed, never written.",
)


@dg.multi_asset(
    specs=[
        spec(
            RAW,
            deps=[SOURCE],
            table=BOOKINGS,
            kinds={"python", "parquet"},
            description="One row per ride of the day as one snapshot of the source held it: in the lake and audited, not yet visible.",
        ),
        spec(
            PUBLISHED,
            deps=[RAW],
            table=BOOKINGS,
            kinds={"hive", "parquet"},
            description="One row per ride, by day of pickup: the Hive partition, pointing at the newest audited version.",
        ),
        spec(
            AGGREGATES,
            deps=[PUBLISHED],
            table=BOOKING_AGGREGATES,
            kinds={"spark", "hive"},
            description="One row per day of pickup and currency: how many bookings, their amounts, the top tip.",
        ),
    ],
    check_specs=audits(),
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
@step
def bookings_days(
    context: dg.AssetExecutionContext,
    environment: dg.ResourceParam[Environment],
    bookings_db: dg.ResourceParam[BookingsDb],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
    spark: dg.ResourceParam[Spark],
) -> Iterator[dg.Output[None]]:
    """Bring the run's days from the source to their aggregates; a day that fails is withheld and named at the end."""
    with Report(context, lake) as report:
        wanted = context.selected_asset_keys
        good: list[str] = []
        outage = Outage()
        for days in portions(report.known(), PARTITIONS_A_STATEMENT):
            if RAW in wanted:
                at_once, limits = environment.import_days_at_once, row_limits(context, environment)
                run_id, say = context.run.run_id, context.log.warning
                imported = import_days(bookings_db, lake, days, run_id, at_once=at_once, say=say, limits=limits, outage=outage)
                days = report.imported(imported)
            if PUBLISHED in wanted:
                days = report.published(BOOKINGS, Publication(lake, hive, BOOKINGS).run(days))
            good += days
        if AGGREGATES in wanted and good:
            visible = published(lake, hive, BOOKINGS, good)
            sound = visible if PUBLISHED in wanted else whole(lake, BOOKINGS, visible)  # publishing has just looked at every byte
            aggregated = aggregate_days(spark, lake, sound, context.run.run_id)
            report.published(BOOKING_AGGREGATES, Publication(lake, hive, BOOKING_AGGREGATES).run(report.aggregated(good, aggregated)))
    yield from ()


def row_limits(context: dg.AssetExecutionContext, environment: Environment) -> RowLimits:
    yesterday = datetime.now(environment.timezone).date() - timedelta(1)
    return RowLimits(environment.max_loss, context.run.tags.get(ACCEPT_LOSS) == "true", yesterday)


def portions(days: list[str], size: int) -> Iterator[list[str]]:
    """`days`, `size` at a time, so that a long backfill is visible as it goes."""
    return (days[start : start + size] for start in range(0, len(days), size))
