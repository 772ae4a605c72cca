"""Import days of a table, publish them, and derive days of other tables from them.

Each step yields the outcome of a day as soon as it is known, and returns the days that go on to the
next step.
"""

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from cab_assets.clients.hive import PARTITIONS_A_STATEMENT, Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.daily.days import import_days
from cab_assets.daily.derive_days import NothingToAggregate, derive_days
from cab_assets.daily.import_day import ImportedDay
from cab_assets.daily.retries import Outage
from cab_assets.daily.row_counts import USUAL, RowLimits
from cab_assets.declarations import DerivedTable, SourceTable
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.store.outcomes import Failed, Outcome
from cab_assets.store.publish import publish
from cab_assets.store.table_store import Manifests, TableStore

NOTHING_TO_AGGREGATE = (
    "the day has no published, intact version of its {1}; materialize {0} and {1} for this day"
    " first"
)
NEWER_IS_GONE = (
    "the partition points to a newer version that is gone or damaged, so the day is imported anew"
)


@dataclass(frozen=True)
class Imports:
    """How days are read from the source."""

    db: BookingsDb
    at_once: int
    limits: RowLimits = USUAL
    outage: Outage = field(default_factory=Outage)


@dataclass(frozen=True)
class Bring:
    """A run over days of a table; `steps` are the assets that are selected."""

    steps: frozenset[str]
    imports: Imports
    table: SourceTable
    derived: Sequence[DerivedTable]
    lake: Lake
    hive: Hive
    spark: Spark
    run_id: str
    log: logging.Logger

    def run(self, days: list[str]) -> Iterator[Outcome | ImportedDay]:
        """Import, publish and derive days. A long backfill publishes days while it runs."""
        good: list[str] = []
        published: Manifests = {}
        for portion in portions(days, PARTITIONS_A_STATEMENT):
            audited = (yield from self._import(portion)) if self._imports else portion
            if self._publishes:
                shown = yield from self._publish(audited)
                published |= shown
                audited = list(shown)
            good += audited
        for table in self.derived:
            if table.name in self.steps and good:
                yield from self._derive(table, good, published)

    @property
    def store(self) -> TableStore:
        return TableStore(self.table, self.lake, self.hive)

    @property
    def _imports(self) -> bool:
        return self.table.raw in self.steps

    @property
    def _publishes(self) -> bool:
        return self.table.name in self.steps

    def _publish(self, days: list[str]) -> Generator[Outcome | ImportedDay, None, Manifests]:
        """Publish days. Import those anew whose partition points to a newer version that is gone.

        An older lake was restored, and the source equals the version that is the newest in it.
        """
        gone: list[str] = []
        shown = yield from publish(self.store, days, gone if self._imports else None)
        if gone:
            for day in gone:
                self.log.warning(f"{day}: {NEWER_IS_GONE}")
            again = yield from self._import(gone, anew=True)
            shown |= yield from publish(self.store, again)
        return shown

    def _import(
        self, days: list[str], *, anew: bool = False
    ) -> Generator[Outcome | ImportedDay, None, list[str]]:
        imports, good = self.imports, []
        outcomes = import_days(
            imports.db,
            map(self.store.day, days),
            self.run_id,
            at_once=imports.at_once,
            say=self.log.warning,
            limits=imports.limits,
            outage=imports.outage,
            anew=anew,
        )
        for day, outcome in outcomes:
            if isinstance(outcome, Exception):
                yield Failed(self.table.raw, day, outcome)
                continue
            yield outcome
            if outcome.manifest.passed:
                good.append(day)
        return sorted(good)

    def _derive(
        self, table: DerivedTable, days: list[str], published: Manifests
    ) -> Iterator[Outcome]:
        """Derive days. If this run did not publish them, get their versions from Hive."""
        # Publishing has already compared every byte of a version
        if not self._publishes:
            published = self.store.intact(self.store.published(days))
        nothing = NOTHING_TO_AGGREGATE.format(self.table.raw, self.table.name)
        for day in sorted(set(days) - published.keys()):
            yield Failed(table.name, day, NothingToAggregate(nothing))
        store = TableStore(table, self.lake, self.hive)
        good = yield from derive_days(self.spark, table, store, published, self.run_id)
        yield from publish(store, good)


def portions(days: list[str], size: int) -> Iterator[list[str]]:
    """Yield `days`, `size` at a time."""
    return (days[start : start + size] for start in range(0, len(days), size))
