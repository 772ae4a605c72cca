"""The operators' commands for the clickstream.

Each batch that a command commits is logged on the asset `clickstream` in Dagster.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial

import dagster as dg
import typer
from pyspark.sql import DataFrame

from cab_assets.cli.lag import LagReport
from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.gap import accept_gap, find_gaps
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.offsets import other_topic
from cab_assets.clickstream.replay import Replay, reasons_there
from cab_assets.clickstream.skip import Skip
from cab_assets.clickstream.topics import others_waiting
from cab_assets.defs.clickstream.report import STREAM, figures
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.transforms.clickstream import read_clicks
from cab_assets.transforms.reasons import REASONS
from cab_assets.wiring import Clients

# Seconds before the retry if another command creates Dagster's storage at the same time
STORAGE_SECONDS = 2
Say = Callable[[str], None]
Record = Callable[[Batch], None]


class NotRecorded(CabError):
    """Dagster cannot log the batches that a command commits."""


class Sides(Clients):
    """The clients of one environment, with the ledger of its batches."""

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.lake, self.hive)


def lag_report(sides: Sides) -> LagReport:
    topic, newest = sides.click_topic, sides.ledger.newest()
    state = topic.look()
    stopped = other_topic(newest, topic, state)
    others, unknown = list[LagReport](), None
    try:
        for other, seen in others_waiting(newest, topic):
            others.append(LagReport(other.name, seen, newest, other.held(seen), None))
    except CabError as error:
        unknown = str(error)
    return LagReport(topic.name, state, newest, topic.held(state), stopped, tuple(others), unknown)


def replay(sides: Sides, days: tuple[str, ...] | None, reason: str | None, say: Say) -> None:
    """Commit rejected records that pass the current rules."""
    raise_if_unknown(reason, sides.ledger)
    found = False
    with recording() as record:
        sides.ledger.create()
        for batch in Replay(sides.ledger, sides.spark, reader(sides.env), days, reason).run():
            found = True
            record(batch)
            say(
                f"batch {batch.number}: {batch.contents.accepted:,} records that were rejected are"
                " now accepted"
            )
    if not found:
        say(
            "No rejected record passes the current rules. Records rejected since the last fold are"
            " not in `rejects` yet."
        )


def raise_if_unknown(reason: str | None, ledger: Ledger) -> None:
    """Raise BadParameter for a reason that no rule gives and no record has."""
    if reason is None or reason in REASONS or reason in (found := reasons_there(ledger)):
        return
    choices = (
        f"the reasons in `rejects` are {', '.join(sorted(found))}"
        if found
        else "`rejects` is empty"
    )
    raise typer.BadParameter(f"there is no reason {reason}; {choices}", param_hint="--reason")


def accept(sides: Sides, agreed: Callable[[str], bool], say: Say) -> None:
    """Commit the offsets of lost records as a gap, if the operator agrees to exactly these."""
    lost, newest, stands = find_gaps(sides.ledger, sides.click_topic)
    if not lost:
        say(f"{sides.click_topic.name}: no unread records were lost.")
        return
    for gap in lost:
        say(
            f"{sides.click_topic.name}, {gap}: Kafka deleted these {gap.offsets:,} offsets before"
            " they were read"
        )
    if not agreed(f"Continue without these {sum(gap.offsets for gap in lost):,} offsets?"):
        say("Nothing was changed.")
        return
    with recording() as record:
        sides.ledger.create()
        batch = accept_gap(sides.ledger, sides.click_topic.name, stands, lost, newest)
        record(batch)
    say(_committed(batch))


def skip(
    sides: Sides, partition: int, offset: int, agreed: Callable[[str], bool], say: Say
) -> None:
    """Commit the records before those that Spark cannot read, and these as a gap, if agreed."""
    first = Skip(sides.ledger, sides.spark, sides.click_topic, reader(sides.env), partition, offset)
    ranges = first.unreadable_ranges()
    last, count = ranges[-1].end - 1, sum(each.offsets for each in ranges)
    if not agreed(
        f"Continue without the records that Spark cannot read, {count:,} offsets from {first} to"
        f" {last}?"
    ):
        say("Nothing was changed.")
        return
    with recording() as record:
        sides.ledger.create()
        for batch in first.run(ranges):
            record(batch)
    say(_committed(batch))


def _committed(gap: Batch) -> str:
    return (
        f"batch {gap.number}: the gap is committed; ingestion of {gap.topic} continues from"
        f" {gap.ends}"
    )


def reader(env: Environment) -> Callable[[DataFrame], DataFrame]:
    """Return the function that parses and validates Kafka records by the current rules."""
    return partial(read_clicks, start_date=env.start_date, zone=env.timezone.key)


def usable_instance() -> dg.DagsterInstance:
    """Return Dagster's instance. Retry once: another command may be creating its storage."""
    try:
        return _tried_instance()
    # An error of the retry is raised
    except Exception:  # noqa: BLE001
        time.sleep(STORAGE_SECONDS)
        return _tried_instance()


def _tried_instance() -> dg.DagsterInstance:
    instance = dg.DagsterInstance.get()
    instance.fetch_materializations(STREAM, limit=1)
    return instance


@contextmanager
def recording() -> Iterator[Record]:
    """Yield the function that logs a batch on the asset `clickstream`.

    Raises NotRecorded, before anything is committed, if Dagster cannot log it.
    """
    try:
        instance = usable_instance()
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NotRecorded(
            f"Dagster cannot log this command: {why}. Check DAGSTER_HOME. Nothing was changed"
        ) from error
    with instance:
        yield lambda batch: instance.report_runless_asset_event(
            dg.AssetMaterialization(STREAM, metadata=figures(batch))
        )
