"""What a run logs in Dagster: materialization and checks of each day, and one failure for all."""

import traceback
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import dagster as dg

# Not exported by Dagster. Without it, the Dagster UI does not count a check for its partition
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as TargetMaterialization,
)

from cab_assets.clickstream.outcomes import FoldOutcome, SealedDay, ShownDay
from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import ImportedDay
from cab_assets.defs.asked_days import asked_days
from cab_assets.defs.figures import amounts, plottable
from cab_assets.defs.preview import preview
from cab_assets.errors import CabError, named
from cab_assets.store.manifest import Manifest
from cab_assets.store.outcomes import Failed, Outcome, Published, Withheld
from cab_assets.store.stored_day import StoredDay
from cab_assets.tables.clicks import CLICKS

Metadata = Mapping[str, Any]
DayOutcome = Outcome | ImportedDay | FoldOutcome


@dataclass
class DayReport:
    """Log the outcome of each day as soon as it is known; raise one error at the end."""

    context: dg.AssetExecutionContext
    lake: Lake
    days: dg.TimeWindowPartitionsDefinition
    # Assets whose checks are logged
    checked: Collection[str]
    _asked: int = 0
    _failed: dict[str, str] = field(default_factory=dict)

    def known(self) -> list[str]:
        """Return the days of the run that are valid partitions; the others fail."""
        asked = asked_days(self.context, self.days)
        for day, reason in asked.wrong.items():
            self.fail(day, reason)
        self._asked = len({*asked.days, *self._failed})
        return [day for day in asked.days if day in asked.known]

    def log(self, outcomes: Iterable[DayOutcome]) -> None:
        """Log each outcome as soon as it is yielded."""
        for outcome in outcomes:
            match outcome:
                case Failed(asset, day, error):
                    self._fail_with(day, asset, error)
                case Withheld(asset, manifest):
                    self._withhold(asset, manifest)
                case ImportedDay():
                    self._imported(outcome)
                case Published():
                    self._published(outcome, {})
                case ShownDay(published, sealed):
                    manifest = published.manifest
                    self._published(
                        published,
                        {
                            "sealed": sealed,
                            "through_batch": manifest.through_batch,
                            "records": manifest.records,
                        },
                    )
                case SealedDay(day):
                    self.context.log_event(
                        dg.AssetObservation(CLICKS.name, partition=day, metadata={"sealed": True})
                    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raise dg.Failure with each failed day and its reason, also if an error ends the run."""
        if not self._failed or isinstance(error, dg.Failure):
            return
        said = self._bad_days()
        if isinstance(error, Exception):
            said += f"\nThe run ended early: {named(error, 'the run', 'its log')}"
        # The run was terminated
        elif error is not None:
            return
        raise dg.Failure(said, allow_retries=False) from error

    def _bad_days(self) -> str:
        days_by_reason = defaultdict(list)
        for day, reason in sorted(self._failed.items()):
            days_by_reason[reason].append(day)
        reasons = "\n".join(
            f"{', '.join(days)}: {reason}" for reason, days in days_by_reason.items()
        )
        return (
            f"{len(self._failed)} of {self._asked} days failed. The new version of what failed was"
            f" not published; the previous version, if there is one, stays visible:\n{reasons}"
        )

    def _imported(self, outcome: ImportedDay) -> None:
        manifest, raw = outcome.manifest, outcome.table.raw
        day = f"{raw}/{manifest.day}"
        if outcome.added_columns:
            self.context.log.warning(
                f"{manifest.day}: the source has columns that are not imported:"
                f" {', '.join(outcome.added_columns)}"
            )
        if not manifest.passed:
            self._withhold(raw, manifest)
            return
        for finding in manifest.findings if outcome.changed else ():
            if not finding.passed or "accepted" in finding.detail:
                self.context.log.warning(f"{day}: {finding}")
        news = "imported" if outcome.changed else "nothing new: the source is unchanged"
        self.context.log.info(f"{day}: {news} ({manifest.rows:,} rows, {manifest.seconds} s)")
        about = {"path": outcome.path, "outcome": news, "columns_left_out": outcome.added_columns}
        self._materialized(raw, manifest, about | amounts(outcome.table, manifest))

    def _published(self, outcome: Published, more: Metadata) -> None:
        table, manifest = outcome.table, outcome.manifest
        news = "published" if outcome.moved else "nothing new: already published"
        self.context.log.info(f"{table.name}/{manifest.day}: {news} ({manifest.rows:,} rows)")
        about = {
            "location": outcome.location,
            "outcome": news,
            **preview(self.context.log, StoredDay(table, self.lake, manifest.day), manifest),
            **more,
        }
        self._materialized(table.name, manifest, about)

    def _withhold(self, asset: str, manifest: Manifest) -> None:
        self._checked(asset, manifest)
        wrong = (str(finding) for finding in manifest.findings if finding.check in manifest.failed)
        self.fail(
            manifest.day,
            f"validation of {manifest.table} failed, the new version was not published:"
            f" {'; '.join(wrong)}. Fix the cause (docs/howto/correct-a-day.md), then run the day"
            " again",
        )

    def _fail_with(self, day: str, asset: str, error: Exception) -> None:
        """Fail a day with an error. The traceback goes to the log unless it is a CabError."""
        if not isinstance(error, CabError):
            self.context.log.warning("".join(traceback.format_exception(error)))
        self.fail(day, str(named(error, asset, "the log of this run")))

    def fail(self, day: str, reason: str) -> None:
        self.context.log.error(f"{day}: {reason}")
        self._failed.setdefault(day, reason)

    def _materialized(self, asset: str, manifest: Manifest, more: Metadata) -> None:
        known: Metadata = {
            "dagster/partition_row_count": manifest.rows,
            "bytes": manifest.bytes,
            "seconds": manifest.seconds,
            "version": manifest.version,
        }
        self.context.log_event(
            dg.AssetMaterialization(asset, partition=manifest.day, metadata={**known, **more})
        )
        if asset in self.checked:
            self._checked(asset, manifest)

    def _checked(self, asset: str, manifest: Manifest) -> None:
        """Log the check results for the day's latest materialization, as the Dagster UI needs."""
        key, target = dg.AssetKey(asset), self._latest(asset, manifest.day)
        for each in manifest.findings:
            severity = dg.AssetCheckSeverity.WARN if each.warns else dg.AssetCheckSeverity.ERROR
            self.context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=key,
                    check_name=each.check,
                    passed=each.passed,
                    severity=severity,
                    partition=manifest.day,
                    target_materialization_data=target,
                    metadata={name: plottable(value) for name, value in each.detail.items()},
                )
            )

    def _latest(self, asset: str, day: str) -> TargetMaterialization | None:
        """Return the latest materialization of a day; it is from this run if the run logged one."""
        only = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day])
        for latest in self.context.instance.fetch_materializations(only, limit=1).records:
            return TargetMaterialization(
                storage_id=latest.storage_id, run_id=latest.run_id, timestamp=latest.timestamp
            )
        return None
