"""The assets of bookings: from the source database to Hive, day by day."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.daily.bring import Bring, Imports
from cab_assets.daily.row_counts import ACCEPT_LOSS, RowLimits
from cab_assets.defs.bookings.checks import AUDITS, audits
from cab_assets.defs.partitions import daily
from cab_assets.defs.report import DayReport
from cab_assets.defs.specs import table_spec
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS, Table
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.store.table_store import TableStore

SOURCE, RAW = dg.AssetKey("rds_bookings"), dg.AssetKey("raw_bookings")
PUBLISHED, AGGREGATES = dg.AssetKey(BOOKINGS.name), dg.AssetKey(BOOKING_AGGREGATES.name)


def spec(
    key: dg.AssetKey, *, deps: list[dg.AssetKey], table: Table, kinds: set[str], description: str
) -> dg.AssetSpec:
    """Return the spec of a daily asset of the group."""
    return table_spec(
        key,
        group="bookings",
        deps=deps,
        table=table,
        kinds=kinds,
        description=description,
        partitions_def=daily,
    )


rds_bookings = spec(
    SOURCE,
    deps=[],
    table=BOOKINGS,
    kinds={"postgres", "mysql"},
    description=(
        "One row per booking (a completed ride), in the source database. Observed, never written."
    ),
)


@dg.multi_asset(
    specs=[
        spec(
            RAW,
            deps=[SOURCE],
            table=BOOKINGS,
            kinds={"python", "parquet"},
            description=(
                "One row per booking of the day, from one snapshot of the source: written to the"
                " lake and validated, not yet published."
            ),
        ),
        spec(
            PUBLISHED,
            deps=[RAW],
            table=BOOKINGS,
            kinds={"hive", "parquet"},
            description=(
                "One row per booking, by day of pickup: the Hive partition points to the newest"
                " valid version."
            ),
        ),
        spec(
            AGGREGATES,
            deps=[PUBLISHED],
            table=BOOKING_AGGREGATES,
            kinds={"spark", "hive"},
            description=(
                "One row per day of pickup and currency: number of bookings, their amounts, the"
                " highest tip."
            ),
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
    """Import the run's days from the source, publish them and aggregate them.

    A day that fails is not published, and is listed in the error at the end.
    """
    bring = Bring(
        steps=frozenset(key.to_user_string() for key in context.selected_asset_keys),
        imports=Imports(
            bookings_db, environment.import_days_at_once, row_limits(context, environment)
        ),
        bookings=TableStore(BOOKINGS, lake, hive),
        aggregates=TableStore(BOOKING_AGGREGATES, lake, hive),
        spark=spark,
        run_id=context.run.run_id,
        log=context.log,
    )
    with DayReport(context, lake, daily, AUDITS) as report:
        report.log(bring.run(report.known()))
    yield from ()


def row_limits(context: dg.AssetExecutionContext, environment: Environment) -> RowLimits:
    yesterday = datetime.now(environment.timezone).date() - timedelta(1)
    return RowLimits(environment.max_loss, context.run.tags.get(ACCEPT_LOSS) == "true", yesterday)
