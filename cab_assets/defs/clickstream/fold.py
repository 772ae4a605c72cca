"""A run over days of clicks: fold, publish, seal, retire, and what Dagster is told of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.chain import damaged
from cab_assets.clickstream.day_tables import Clicks, DayTable, Due, Rejects
from cab_assets.clickstream.fold import Folding
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.retire import retirable
from cab_assets.clickstream.seal import is_sealed, seal, sealed_at, waiting_topics
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.defs.clickstream.checks import DAY_CHECKED
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.report import DayReport
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets.schemas import Table
from cab_assets.store.manifest import Manifest
from cab_assets.store.publish import Publication, Published, counting, pointed_versions
from cab_assets.store.sweep import astray

TARGETS: tuple[DayTable, ...] = (Clicks(), Rejects())


class ClickReport(DayReport):
    """Days that are folded; those of `clicks` show whether they are sealed."""

    def __init__(self, context: dg.AssetExecutionContext, lake: Lake, environment: Environment, moment: datetime | None) -> None:
        super().__init__(context, lake, daily_ahead, DAY_CHECKED)
        self._environment = environment
        self._moment = moment

    def is_sealed(self, day: str, moment: datetime | None) -> bool:
        return is_sealed(day, moment, grace=self._environment.click_grace, zone=self._environment.timezone)

    def more(self, outcome: Published) -> Mapping[str, Any]:
        manifest = outcome.manifest
        return {"sealed": self.is_sealed(manifest.day, self._moment), "through_batch": manifest.through_batch, "records": manifest.records}

    def folded(self, table: Table, day: str, outcome: Manifest | Exception) -> bool:
        """Return whether a folded day passed its audit; log one that did not, or that failed."""
        if isinstance(outcome, Exception):
            return self.fail_with(day, dg.AssetKey(table.name), outcome)
        return self.audited(dg.AssetKey(table.name), outcome)

    def sealed(self, days: Collection[str], before: datetime | None) -> None:
        """Tell of days that time alone has sealed."""
        for day in sorted(days):
            if self.is_sealed(day, self._moment) and not self.is_sealed(day, before):
                self._context.log_event(dg.AssetObservation("clicks", partition=day, metadata={"sealed": True}))


@dataclass
class FoldRun:
    """Brings days up to the newest batch as it was when the run started."""

    context: dg.AssetExecutionContext
    environment: Environment
    topic: ClickTopic
    ledger: Ledger
    spark: Spark
    all_due: bool
    sweep: bool = False
    lacking: list[Batch] = field(default_factory=list)  # batches that some day does not show yet

    def run(self) -> None:
        self.ledger.create()
        before, moment = sealed_at(self.ledger.lake), self._drained_at
        with ClickReport(self.context, self.ledger.lake, self.environment, moment or before) as report:
            asked = [] if self.all_due else report.known()
            for target in TARGETS:
                if dg.AssetKey(target.table.name) in self.context.selected_asset_keys:
                    self._fold(target, asked, report)
                else:
                    self.lacking += self._unseen(target)
            if moment and not self.lacking:
                report.sealed(self.ledger.hive.days(TARGETS[0].table), before)
                seal(self.ledger.lake, moment)
            self._retire()

    @cached_property
    def newest(self) -> Batch | None:
        return self.ledger.newest()

    @cached_property
    def batches(self) -> list[Batch]:
        return self.ledger.shown(self.newest)

    @cached_property
    def _drained_at(self) -> datetime | None:
        """Now, if all that the topics hold now is committed."""
        now, newest = datetime.now(UTC), self.newest
        try:
            waiting = waiting_topics(newest, self.topic)
        except CabError as error:  # of whatever kind: folding needs no topic
            self.context.log.warning(f"no day is sealed this time: {error}")
            return None
        if waiting:
            self.context.log.info(f"no day is sealed this time: clicks wait in {', '.join(waiting)}")
        return None if waiting else now

    def _fold(self, target: DayTable, asked: list[str], report: ClickReport) -> None:
        lake, hive, table = self.ledger.lake, self.ledger.hive, target.table
        folding = Folding(lake, self.spark, target, self.context.run.run_id, self.batches)
        wrong = self._astray(table)
        days = folding.days({*asked, *wrong})
        shown = pointed_versions(lake, hive, table, days)
        visible = counting(lake, table, shown)
        wanted = folding.due(days if self.all_due else asked, shown)
        outcomes = folding.fold(wanted)
        good = {day for day, outcome in outcomes.items() if report.folded(table, day, outcome)}
        stale = {each.partition.day for each in wanted if each.partition.day in {*asked, *wrong} or is_behind(each, visible)}
        publication = Publication(lake, hive, table).run(stale - outcomes.keys() | good)
        report.published(table, publication)
        if self.sweep:
            self._fail_damaged(target, report)
        self.context.log.info(f"{table.name}: {len(good)} days folded, {len(days)} looked at")
        self._remember_lacking(target, visible | {day: outcome.manifest for day, outcome in publication.published.items()})

    def _astray(self, table: Table) -> set[str]:
        """Return the days that a sweep finds not to be in Hive as the lake holds them; name each."""
        found = astray(self.ledger.lake, self.ledger.hive, table) if self.sweep else {}
        for wrong in found.values():
            self.context.log.warning(wrong)
        return set(found)

    def _fail_damaged(self, target: DayTable, report: ClickReport) -> None:
        """Fail the days of batches that readers do not see as they were committed."""
        wrong = damaged(self.ledger.lake, self.batches)
        for batch in self.batches:
            for day in target.days_of(batch) if batch.number in wrong else ():
                report.fail(day, str(wrong[batch.number]))

    def _unseen(self, target: DayTable) -> list[Batch]:
        """All batches, when their days were not looked at: nobody knows what they lack."""
        return [batch for batch in self.batches if target.days_of(batch)]

    def _remember_lacking(self, target: DayTable, visible: Mapping[str, Manifest]) -> None:
        through = {day: manifest.through_batch or 0 for day, manifest in visible.items()}
        self.lacking += [batch for batch in self.batches if any(through.get(day, 0) < batch.number for day in target.days_of(batch))]

    def _retire(self) -> None:
        retention = timedelta(hours=self.environment.batch_retention_hours)
        below = [number for number in self.ledger.numbers() if self.batches and number < self.batches[0].number]
        if numbers := sorted(below) + retirable(self.batches, self.lacking, retention=retention, now=datetime.now(UTC)):
            self.ledger.retire(numbers)
            self.context.log.info(f"batches {numbers[0]} to {numbers[-1]} are in the day tables, and no longer in clickstream_batches")


def is_behind(due: Due, visible: Mapping[str, Manifest]) -> bool:
    """Whether a day's newest version is not what readers see: a run ended between the two."""
    shown = visible.get(due.partition.day)
    return due.standing is not None and (shown is None or shown.version != due.standing.version)
