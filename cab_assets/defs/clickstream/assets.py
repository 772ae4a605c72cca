"""The assets of clicks: from the topic into batches within seconds, then into daily tables."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from cab_assets.clickstream.fold_run import FoldRun, Times
from cab_assets.clickstream.ingest import Ingest
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.stage import Rules, staging
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.defs.clickstream.checks import DAY_CHECKED, batch_checks, day_checks
from cab_assets.defs.clickstream.report import BatchReport
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.report import DayReport
from cab_assets.defs.specs import table_spec
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS

TOPIC, STREAM = dg.AssetKey("click_topic"), dg.AssetKey("clickstream")
DAYS, REJECTED = dg.AssetKey(CLICKS.name), dg.AssetKey(REJECTS.name)
GROUP = "clickstream"
# Seconds between two micro-batches of a run that stays. A click waits for half of that on average;
# a shorter interval would write more small files, up to three for each batch
EVERY_SECONDS = 2.0

click_topic = dg.AssetSpec(
    TOPIC,
    group_name=GROUP,
    kinds={"kafka", "json"},
    owners=["team:data-platform"],
    description="One JSON record per user action in the app, in Kafka. Observed, never written.",
)


class Run(dg.Config):
    """When a run of `clickstream` ends."""

    # Whether it stays up to CAB_INGEST_RUN_MINUTES while clicks keep coming, instead of ending at
    # the end offsets that the topic has at its start
    stay: bool = False


@dg.multi_asset(
    specs=[
        table_spec(
            STREAM,
            group=GROUP,
            deps=[TOPIC],
            table=CLICKSTREAM_BATCHES,
            kinds={"spark", "hive"},
            description=(
                "One row per record of a recent batch, committed seconds after the record arrived."
            ),
        )
    ],
    check_specs=batch_checks(),
    # Without it, Dagster requires a result of every check, even if no batch was committed
    can_subset=True,
)
@step
def click_batches(
    context: dg.AssetExecutionContext,
    config: Run,
    environment: dg.ResourceParam[Environment],
    click_topic: dg.ResourceParam[ClickTopic],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
    spark: dg.ResourceParam[Spark],
) -> Iterator[dg.Output[None]]:
    """Ingest the topic from the committed offsets on, batch by batch."""
    rules = Rules(
        environment.start_date, environment.timezone.key, environment.max_offsets_per_batch
    )
    report = BatchReport(context, lake, max_reject_ratio=environment.max_reject_ratio)
    every, minutes = (EVERY_SECONDS, environment.ingest_run_minutes) if config.stay else (0.0, None)
    with spark.session() as session:
        run = Ingest(
            ledger=Ledger(lake, hive),
            topic=click_topic,
            run_id=context.run.run_id,
            open_query=lambda start, name: staging(
                session, lake, click_topic, start, rules, name=name, every_seconds=every
            ),
            minutes=minutes,
            say=context.log.info,
        )
        for committed in run.run():
            report.committed(committed)
    report.close(caught_up=run.caught_up)
    yield from ()


class Fold(dg.Config):
    """Which days are folded."""

    # Fold every day that lacks records of a committed batch, instead of the run's days
    all_due: bool = False
    # Compare every day with Hive and with its files, and fold or publish those that differ
    sweep: bool = False


@dg.multi_asset(
    specs=[
        table_spec(
            DAYS,
            group=GROUP,
            deps=[STREAM],
            table=CLICKS,
            kinds={"spark", "hive"},
            description=(
                "One row per distinct event, by day of the event, kept permanently; copies is the"
                " number of Kafka records with this event."
            ),
            partitions_def=daily_ahead,
        ),
        table_spec(
            REJECTED,
            group=GROUP,
            deps=[STREAM],
            table=REJECTS,
            kinds={"spark", "hive"},
            description=(
                "One row per rejected record, by the date of its Kafka timestamp, kept permanently:"
                " original bytes, position and every reason."
            ),
            partitions_def=daily_ahead,
        ),
    ],
    check_specs=day_checks(),
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
@step
def click_days(
    context: dg.AssetExecutionContext,
    config: Fold,
    environment: dg.ResourceParam[Environment],
    click_topic: dg.ResourceParam[ClickTopic],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
    spark: dg.ResourceParam[Spark],
) -> Iterator[dg.Output[None]]:
    """Fold days up to the newest batch, seal those that are over, and retire folded batches."""
    fold = FoldRun(
        ledger=Ledger(lake, hive),
        topic=click_topic,
        spark=spark,
        times=Times(
            environment.timezone,
            environment.start_date,
            environment.click_grace,
            timedelta(hours=environment.batch_retention_hours),
        ),
        run_id=context.run.run_id,
        log=context.log,
        wanted={key.to_user_string() for key in context.selected_asset_keys},
        sweep=config.sweep,
    )
    with DayReport(context, lake, daily_ahead, DAY_CHECKED) as report:
        report.log(fold.run(None if config.all_due else report.known()))
    yield from ()
