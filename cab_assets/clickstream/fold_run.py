"""A run over days of clicks: fold, publish and seal days, then retire the folded batches."""

import logging
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.chain import damaged
from cab_assets.clickstream.day_tables import CLICK_DAYS, DAY_TABLES, DayTable, Due
from cab_assets.clickstream.fold import Folding
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.outcomes import FoldOutcome, SealedDay, ShownDay
from cab_assets.clickstream.retire import retirable
from cab_assets.clickstream.seal import is_sealed, seal, sealed_at
from cab_assets.clickstream.topics import waiting_topics
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.spark import Spark
from cab_assets.errors import CabError
from cab_assets.store.calendar import is_day
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Failed, Published, Withheld
from cab_assets.store.publish import publish
from cab_assets.store.sweep import ForeignPartition, astray, strays
from cab_assets.store.table_store import Manifests, TableStore


@dataclass(frozen=True)
class Times:
    """When a day is sealed, and when a batch is retired."""

    zone: ZoneInfo
    # The first day of the calendar
    start: date
    # Allowed lateness: the time between the end of a day and its seal
    grace: timedelta
    # The age at which a folded batch is retired
    retention: timedelta


@dataclass
class FoldRun:
    """One run, which merges the batches that were committed when it started into the days."""

    ledger: Ledger
    topic: ClickTopic
    spark: Spark
    times: Times
    run_id: str
    log: logging.Logger
    # The tables that the run was asked for
    wanted: Collection[str] = ("clicks", "rejects")
    # Compare every day with Hive and with its files, not only the days that lack records
    sweep: bool = False
    # Batches that are not in the published version of each of their days
    lacking: list[Batch] = field(default_factory=list)

    def run(self, asked: list[str] | None) -> Iterator[FoldOutcome]:
        """Fold the days in `asked`; if it is None, fold every day that lacks records."""
        self.ledger.create()
        before, moment = sealed_at(self.ledger.lake), self._drained_at
        for target in DAY_TABLES:
            if target.table.name in self.wanted:
                yield from self._with_seals(self._fold(target, asked), moment or before)
            else:
                # The days of this table were not compared, so none of its batches may be retired
                self.lacking += [batch for batch in self.batches if target.days_of(batch)]
        if moment and not self.lacking:
            yield from self._sealed(moment, before)
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
        """Return the current time if all records of the topics are committed, else None."""
        now, newest = datetime.now(UTC), self.newest
        try:
            waiting = waiting_topics(newest, self.topic)
        # Folding needs no topic, so no error of a topic ends the run
        except CabError as error:
            self.log.warning(f"no day is sealed in this run: {error}")
            return None
        if waiting:
            self.log.info(
                f"no day is sealed in this run: uncommitted clicks in topic {', '.join(waiting)}"
            )
        return None if waiting else now

    def _with_seals(
        self, outcomes: Iterator[Failed | Withheld | Published], moment: datetime | None
    ) -> Iterator[FoldOutcome]:
        for outcome in outcomes:
            if isinstance(outcome, Published):
                yield ShownDay(outcome, self._is_sealed(outcome.manifest.day, moment))
            else:
                yield outcome

    def _fold(
        self, target: DayTable, asked: list[str] | None
    ) -> Iterator[Failed | Withheld | Published]:
        store = TableStore(target.table, self.ledger.lake, self.ledger.hive)
        folding = Folding(store, self.spark, target, self.run_id, self.batches)
        foreign = self._strays(store)
        wrong = self._astray(store, foreign)
        by_hand = {*(asked or ()), *wrong}
        days = folding.days(by_hand)
        shown = store.shown(days)
        visible = store.counting(shown)
        wanted = folding.due(days if asked is None else asked, shown)
        outcomes = folding.fold(wanted)
        good = yield from self._audited(store, outcomes)
        stale = {
            each.day.date for each in wanted if each.day.date in by_hand or is_behind(each, visible)
        }
        visible |= yield from publish(store, stale - outcomes.keys() | good)
        if self.sweep:
            yield from self._damaged(target)
            yield from (Failed(store.table.name, *each) for each in foreign.items())
        self.log.info(f"{target.table.name}: {len(good)} days folded, {len(days)} compared")
        self._remember_lacking(target, visible)

    def _audited(
        self, store: TableStore, outcomes: Mapping[str, Manifest | Exception]
    ) -> Generator[Failed | Withheld, None, set[str]]:
        """Yield the days that failed; return the days that passed."""
        good: set[str] = set()
        for day, outcome in outcomes.items():
            if isinstance(outcome, Exception):
                yield Failed(store.table.name, day, outcome)
            elif not outcome.passed:
                yield Withheld(store.table.name, outcome)
            else:
                good.add(day)
        return good

    def _strays(self, store: TableStore) -> dict[str, ForeignPartition]:
        """Return the partitions that are no day. Only a sweep looks for them."""
        today = datetime.now(self.times.zone).date()
        return strays(store, self.times.start, today) if self.sweep else {}

    def _astray(self, store: TableStore, without: Collection[str]) -> set[str]:
        """Return the days that in Hive are not as in the lake, and log each. Only a sweep looks."""
        found = astray(store, without) if self.sweep else {}
        for wrong in found.values():
            self.log.warning(wrong)
        return set(found)

    def _damaged(self, target: DayTable) -> Iterator[Failed]:
        """Yield a failure for each day of a damaged batch."""
        wrong = damaged(self.ledger.lake, self.batches)
        for batch in self.batches:
            for day in target.days_of(batch) if batch.number in wrong else ():
                yield Failed(target.table.name, day, wrong[batch.number])

    def _remember_lacking(self, target: DayTable, visible: Manifests) -> None:
        through = {day: manifest.through_batch or 0 for day, manifest in visible.items()}
        self.lacking += [
            batch
            for batch in self.batches
            if any(through.get(day, 0) < batch.number for day in target.days_of(batch))
        ]

    def _is_sealed(self, day: str, moment: datetime | None) -> bool:
        return is_sealed(day, moment, grace=self.times.grace, zone=self.times.zone)

    def _sealed(self, moment: datetime, before: datetime | None) -> Iterator[SealedDay]:
        store = TableStore(CLICK_DAYS.table, self.ledger.lake, self.ledger.hive)
        for day in sorted(filter(is_day, store.pointers.values())):
            if self._is_sealed(day, moment) and not self._is_sealed(day, before):
                yield SealedDay(day)

    def _retire(self) -> None:
        first = self.batches[0].number if self.batches else 0
        below = [number for number in self.ledger.numbers() if number < first]
        now, retention = datetime.now(UTC), self.times.retention
        numbers = sorted(below) + retirable(
            self.batches, self.lacking, retention=retention, now=now
        )
        if numbers:
            self.ledger.retire(numbers)
            self.log.info(
                f"batches {numbers[0]} to {numbers[-1]} are merged into the daily tables and were"
                " dropped from clickstream_batches"
            )


def is_behind(due: Due, visible: Mapping[str, Manifest]) -> bool:
    """Return whether a day's newest version is not published: a run ended before it did that."""
    shown = visible.get(due.day.date)
    return due.current is not None and (shown is None or shown.version != due.current.version)
