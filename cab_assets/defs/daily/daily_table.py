"""What Dagster knows of a table that is imported day by day: its assets, checks and job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.daily.bring import Bring, Imports
from cab_assets.daily.derive_days import derived_checks
from cab_assets.daily.import_checks import import_checks
from cab_assets.daily.row_counts import ACCEPT_LOSS, RowLimits
from cab_assets.declarations import DerivedTable, SourceTable, Table
from cab_assets.defs.daily.rows_without_a_day import every_row_has_a_day
from cab_assets.defs.partitions import daily
from cab_assets.defs.report import DayReport
from cab_assets.defs.specs import check_specs, table_spec
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.store.checks import Check


@dataclass(frozen=True)
class DailyTable:
    """The definitions of a source table and of the tables that are derived from it."""

    source: SourceTable
    derived: tuple[DerivedTable, ...]

    @property
    def tables(self) -> list[Table]:
        return [self.source, *self.derived]

    @property
    def keys(self) -> list[dg.AssetKey]:
        """The assets that a run of a day makes."""
        return [dg.AssetKey(self.source.raw), *(dg.AssetKey(table.name) for table in self.tables)]

    @property
    def job_name(self) -> str:
        return f"{self.source.name}_daily"

    @property
    def checks(self) -> dict[str, Sequence[Check[Any]]]:
        """The checks of each day, by asset."""
        derived = {table.name: derived_checks(table) for table in self.derived}
        return {self.source.raw: import_checks(self.source), **derived}

    @property
    def every_row_has_a_day(self) -> dg.AssetChecksDefinition:
        return every_row_has_a_day(self.source)

    @property
    def observed(self) -> dg.AssetSpec:
        """The table in the database."""
        return self._spec(
            self.source.observed,
            None,
            self.source,
            {"postgres", "mysql"},
            f"{self.source.about}, in the source database. Observed, never written.",
        )

    @property
    def specs(self) -> list[dg.AssetSpec]:
        """The assets that a run of a day makes, each after the one that it is made from."""
        source, row = self.source, f"One row per {self.source.row}"
        unchecked = "" if source.key else " It has no key, so duplicates are not detected."
        return [
            self._spec(
                source.raw,
                source.observed,
                source,
                {"python", "parquet"},
                f"{row} of the day, from one snapshot of the source: written to the lake and"
                f" validated, not yet published.{unchecked}",
            ),
            self._spec(
                source.name,
                source.raw,
                source,
                {"hive", "parquet"},
                f"{row}, by {source.by}: the Hive partition points to the newest valid version.",
            ),
            *(
                self._spec(each.name, source.name, each, {"spark", "hive"}, f"{each.about}.")
                for each in self.derived
            ),
        ]

    def _spec(
        self, key: str, made_from: str | None, table: Table, kinds: set[str], description: str
    ) -> dg.AssetSpec:
        return table_spec(
            dg.AssetKey(key),
            group=self.source.name,
            deps=[dg.AssetKey(made_from)] if made_from else [],
            table=table,
            kinds=kinds,
            description=description,
            partitions_def=daily,
        )

    def job(self) -> Any:
        """Return the job that makes days of all tables."""
        does = "Import, publish and aggregate" if self.derived else "Import and publish"
        return dg.define_asset_job(
            self.job_name,
            selection=dg.AssetSelection.assets(*self.keys),
            description=f"{does} days of {self.source.name}.",
        )

    def days(self) -> dg.AssetsDefinition:
        """Return the step that makes days of all tables."""

        @dg.multi_asset(
            name=f"{self.source.name}_days",
            specs=self.specs,
            check_specs=[
                spec
                for asset, checks in self.checks.items()
                for spec in check_specs(asset, checks, daily)
            ],
            can_subset=True,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        @step
        def days(
            context: dg.AssetExecutionContext,
            environment: dg.ResourceParam[Environment],
            bookings_db: dg.ResourceParam[BookingsDb],
            lake: dg.ResourceParam[Lake],
            hive: dg.ResourceParam[Hive],
            spark: dg.ResourceParam[Spark],
        ) -> Iterator[dg.Output[None]]:
            """Import the run's days from the source, publish them, and derive other tables.

            A day that fails is not published, and is listed in the error at the end.
            """
            bring = Bring(
                steps=frozenset(key.to_user_string() for key in context.selected_asset_keys),
                imports=Imports(
                    bookings_db.of(self.source),
                    environment.import_days_at_once,
                    row_limits(context, environment),
                ),
                table=self.source,
                derived=self.derived,
                lake=lake,
                hive=hive,
                spark=spark,
                run_id=context.run.run_id,
                log=context.log,
            )
            with DayReport(context, lake, daily, self.checks) as report:
                report.log(bring.run(report.known()))
            yield from ()

        return days


def row_limits(context: dg.AssetExecutionContext, environment: Environment) -> RowLimits:
    yesterday = datetime.now(environment.timezone).date() - timedelta(1)
    return RowLimits(environment.max_loss, context.run.tags.get(ACCEPT_LOSS) == "true", yesterday)
