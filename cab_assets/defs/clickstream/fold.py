"""A run over days of clicks: fold, publish, seal, retire, and what Dagster is told of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.day_tables import Clicks, DayTable, Rejects
from cab_assets.clickstream.fold import Folding, refuse_damaged
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.retire import retirable
from cab_assets.clickstream.seal import drained, is_sealed, seal, sealed_at
from cab_assets.defs.clickstream.checks import DAY_CHECKED
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.report import DayReport
from cab_assets.environment import Environment
from cab_assets.errors import Unavailable
from cab_assets.resources.click_topic import ClickTopic
from cab_assets.resources.lake import Lake
from cab_assets.resources.spark import Spark
from cab_assets.warehouse.manifest import Manifest
from cab_assets.warehouse.publish import Publication, Published, published
from cab_assets.warehouse.sweep import Astray, astray

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
        report = ClickReport(self.context, self.ledger.lake, self.environment, moment or before)
        asked = [] if self.all_due else report.known(self.context.partition_keys)
        if self.sweep:
            refuse_damaged(self.ledger.lake, self.batches)
        for target in TARGETS:
            if dg.AssetKey(target.table.name) in self.context.selected_asset_keys:
                self._fold(target, asked, report)
            else:
                self.lacking += self._unseen(target)
        if moment and not self.lacking:
            report.sealed(self.ledger.hive.days(TARGETS[0].table), before)
            seal(self.ledger.lake, moment)
        self._retire()
        report.close()

    @cached_property
    def newest(self) -> Batch | None:
        return self.ledger.newest()

    @cached_property
    def batches(self) -> list[Batch]:
        return self.ledger.shown(self.newest)

    @cached_property
    def _drained_at(self) -> datetime | None:
        """Now, if all that the topic holds now is committed."""
        now = datetime.now(UTC)
        try:
            state = self.topic.look()
        except Unavailable as error:
            self.context.log.warning(f"no day is sealed this time: {error}")
            return None
        return now if drained(self.newest, self.topic.name, state) else None

    def _fold(self, target: DayTable, asked: list[str], report: ClickReport) -> None:
        lake, hive, table = self.ledger.lake, self.ledger.hive, target.table
        folding = Folding(lake, self.spark, target, self.context.run.run_id)
        touched = {day for batch in self.batches for day in target.days_of(batch)}
        wrong = astray(lake, hive, table, None if self.sweep else touched | set(asked))
        lost = self._lost(wrong, report)
        due = [each for each in folding.due(self.batches, {*asked, *wrong}) if each.partition.day not in lost]
        wanted = [each for each in due if self.all_due or each.partition.day in asked]
        made = folding.fold(wanted, self.newest.number if self.newest else 0)
        visible = published(lake, hive, table, [each.partition.day for each in due])
        withheld = {manifest.day for manifest in made if not report.audited(dg.AssetKey(table.name), manifest)}
        stale = {each.partition.day for each in wanted} & {*asked, *wrong} | {manifest.day for manifest in made}
        publication = Publication(lake, hive, table).run(stale - withheld)
        report.published(table, publication)
        self.context.log.info(f"{table.name}: {len(made)} days folded, {len(due)} looked at")
        self._remember_lacking(target, visible | {day: outcome.manifest for day, outcome in publication.published.items()})

    def _lost(self, wrong: Mapping[str, Astray], report: ClickReport) -> set[str]:
        """Name what is wrong; return and fail the days that lost rows: what is left would be taken for all of them."""
        for each in wrong.values():
            self.context.log.warning(each.says)
        lost = {day for day, each in wrong.items() if each.lost}
        for day in lost:
            report.fail(day, f"{wrong[day].says}; restore it from a copy of the lake, then run again")
        return lost

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
