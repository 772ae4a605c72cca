"""What operators do to the clickstream.

Whatever changes something is recorded on its asset in Dagster.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial

import dagster as dg
import typer
from pyspark.sql import DataFrame

from cab_assets.cli.lag import LagReport
from cab_assets.clickstream.batch import Batch, committed_ends
from cab_assets.clickstream.gap import accept_gap, find_gaps
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.replay import Replay, reasons_there
from cab_assets.clickstream.skip import Skip
from cab_assets.defs.clickstream.report import STREAM, figures
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.transforms.clickstream import read_clicks
from cab_assets.transforms.reasons import REASONS
from cab_assets.wiring import Clients

STORAGE_SECONDS = 2
Say = Callable[[str], None]
Record = Callable[[Batch], None]


class NotRecorded(CabError):
    """Dagster cannot log what a command does."""


class Sides(Clients):
    """The topic on one side, the commits on the other."""

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.lake, self.hive)


def lag_report(sides: Sides) -> LagReport:
    state = sides.click_topic.look()
    return LagReport(
        sides.click_topic.name, state, sides.ledger.newest(), sides.click_topic.held(state)
    )


def replay(sides: Sides, days: tuple[str, ...] | None, reason: str | None, say: Say) -> None:
    """Commit refused records that are usable now."""
    raise_if_unknown(reason, sides.ledger)
    found = False
    with recording() as record:
        sides.ledger.create()
        for batch in Replay(sides.ledger, sides.spark, reader(sides.env), days, reason).run():
            found = True
            record(batch)
            say(
                f"batch {batch.number}: {batch.contents.accepted:,} records that had been refused"
                " are accepted"
            )
    if not found:
        say(
            "No refused record is usable by today's rules. Records refused since the last fold are"
            " not in `rejects` yet."
        )


def raise_if_unknown(reason: str | None, ledger: Ledger) -> None:
    """Raise BadParameter for a reason that no rule gives and no record has."""
    if reason is None or reason in REASONS or reason in (there := reasons_there(ledger)):
        return
    choices = (
        f"those in `rejects` are {', '.join(sorted(there))}" if there else "`rejects` is empty"
    )
    raise typer.BadParameter(f"there is no reason {reason}; {choices}", param_hint="--reason")


def accept(sides: Sides, agreed: Callable[[str], bool], say: Say) -> None:
    """Commit that records are gone, if somebody agrees to exactly those."""
    lost, newest, stands = find_gaps(sides.ledger, sides.click_topic)
    if not lost:
        say(f"{sides.click_topic.name}: nothing that was not read is gone.")
        return
    for gap in lost:
        say(
            f"{sides.click_topic.name}, {gap}: {gap.offsets:,} records were never read, and Kafka"
            " no longer has them"
        )
    if not agreed(f"Go on without these {sum(gap.offsets for gap in lost):,} records?"):
        say("Nothing was changed.")
        return
    with recording() as record:
        sides.ledger.create()
        batch = accept_gap(sides.ledger, sides.click_topic.name, stands, lost, newest)
        record(batch)
    say(
        f"batch {batch.number}: the gap is committed; {sides.click_topic.name} is read on from"
        f" {committed_ends(batch, sides.click_topic.name)}"
    )


def skip(
    sides: Sides, partition: int, offset: int, agreed: Callable[[str], bool], say: Say
) -> None:
    """Commit the records before those that Spark cannot read, and these as a gap, after a yes."""
    first = Skip(sides.ledger, sides.spark, sides.click_topic, reader(sides.env), partition, offset)
    stretches = first.stretches()
    last, count = stretches[-1].end - 1, sum(each.offsets for each in stretches)
    if not agreed(
        f"Go on without what Spark cannot read from {first} to {last}, {count:,} offsets?"
    ):
        say("Nothing was changed.")
        return
    with recording() as record:
        sides.ledger.create()
        for batch in first.run(stretches):
            record(batch)
    say(
        f"batch {batch.number}: the gap is committed; {sides.click_topic.name} is read on from"
        f" {committed_ends(batch, sides.click_topic.name)}"
    )


def reader(env: Environment) -> Callable[[DataFrame], DataFrame]:
    """Return what reads records of Kafka by today's rules."""
    return partial(read_clicks, start_date=env.start_date, zone=env.timezone.key)


def usable_instance() -> dg.DagsterInstance:
    """Return Dagster's instance; wait for another command that makes its storage at this moment."""
    try:
        return _asked_instance()
    except Exception:  # noqa: BLE001  the second one counts
        time.sleep(STORAGE_SECONDS)
        return _asked_instance()


def _asked_instance() -> dg.DagsterInstance:
    instance = dg.DagsterInstance.get()
    instance.fetch_materializations(STREAM, limit=1)
    return instance


@contextmanager
def recording() -> Iterator[Record]:
    """Return the function that logs a commit on the asset `clickstream`.

    Raises NotRecorded before there is a commit if Dagster cannot log it.
    """
    try:
        instance = usable_instance()
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NotRecorded(
            f"Dagster cannot record what is done: {why}. Check DAGSTER_HOME. Nothing was changed"
        ) from error
    with instance:
        yield lambda batch: instance.report_runless_asset_event(
            dg.AssetMaterialization(STREAM, metadata=figures(batch))
        )
