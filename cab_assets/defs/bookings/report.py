"""What a run tells Dagster of its days: a materialization and its checks for each good one, one failure for all bad ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (  # not exported, and Dagit counts no check without it
    AssetCheckEvaluationTargetMaterializationData as TargetMaterialization,
)

from cab_assets.bookings.aggregate_days import AggregatedDay
from cab_assets.bookings.import_day import ImportedDay
from cab_assets.defs.bookings.checks import AUDITS
from cab_assets.defs.partitions import daily
from cab_assets.resources.lake import Lake
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS, Table
from cab_assets.warehouse.audit import head
from cab_assets.warehouse.manifest import Manifest
from cab_assets.warehouse.publish import Publication
from cab_assets.warehouse.versions import Partition

RAW = dg.AssetKey("raw_bookings")
Metadata = Mapping[str, Any]
PREVIEW_ROWS = 10


class Report:
    """Logs what became of each day as it is known, and raises once, at the end, for all days that failed."""

    def __init__(self, context: dg.AssetExecutionContext, lake: Lake) -> None:
        self._context = context
        self._lake = lake
        self._failed: dict[str, str] = {}

    def known(self, days: Iterable[str]) -> list[str]:
        """The days that are over; a command line can name others, which Dagster does not check."""
        over = set(daily.get_partition_keys())
        for day in set(days) - over:
            self._fail(
                day, f"is no day from {daily.get_first_partition_key()} to {daily.get_last_partition_key()}, the last one that is over in {daily.timezone}"
            )
        return sorted(set(days) & over)

    def imported(self, days: Iterable[tuple[str, ImportedDay | Exception]]) -> list[str]:
        """Log each day that was imported; the days that passed their audit."""
        return sorted(day for day, outcome in days if self._imported(day, outcome))

    def aggregated(self, asked: Iterable[str], days: Mapping[str, AggregatedDay]) -> list[str]:
        """Log the checks of each aggregated day; the days that passed them."""
        for day in set(asked) - days.keys():
            self._fail(day, "no published version of its bookings that is whole; materialize raw_bookings and bookings for the day first")
        return [day for day, outcome in days.items() if self._audited(dg.AssetKey(BOOKING_AGGREGATES.name), outcome.manifest)]

    def published(self, table: Table, publication: Publication) -> list[str]:
        """Log each day that is visible now; those days."""
        for day, error in publication.failed.items():
            self._fail(day, str(error))
        for day, outcome in publication.published.items():
            news = "published" if outcome.moved else "nothing new: already visible"
            self._context.log.info(f"{table.name}/{day}: {news} ({outcome.manifest.rows:,} rows)")
            preview = self._preview(table, outcome.manifest)
            self._materialized(dg.AssetKey(table.name), outcome.manifest, {"location": outcome.location, "outcome": news, "preview": preview})
        return list(publication.published)

    def close(self) -> None:
        """Raise dg.Failure naming each bad day and why, if there is one."""
        if not self._failed:
            return
        days_by_reason = defaultdict(list)
        for day, reason in sorted(self._failed.items()):
            days_by_reason[reason].append(day)
        reasons = "\n".join(f"{', '.join(days)}: {reason}" for reason, days in days_by_reason.items())
        raise dg.Failure(f"{len(self._failed)} of {len(self._context.partition_keys)} days failed and are not published:\n{reasons}", allow_retries=False)

    def _imported(self, day: str, outcome: ImportedDay | Exception) -> bool:
        if isinstance(outcome, Exception):
            return self._fail(day, str(outcome) or repr(outcome))
        if outcome.added_columns:
            self._context.log.warning(f"{day}: the source has columns that are not imported: {', '.join(outcome.added_columns)}")
        if not self._audited(RAW, outcome.manifest):
            return False
        news = "imported" if outcome.changed else "nothing new: the source is as it was"
        self._context.log.info(f"raw_bookings/{day}: {news} ({outcome.manifest.rows:,} rows, {outcome.manifest.seconds} s)")
        path = Partition(BOOKINGS, day).version_path(outcome.manifest.version)
        self._materialized(RAW, outcome.manifest, {"path": path, "outcome": news, "columns_left_out": outcome.added_columns} | _amounts(outcome.manifest))
        return True

    def _audited(self, asset: dg.AssetKey, manifest: Manifest) -> bool:
        if manifest.passed:
            return True
        self._checked(asset, manifest)
        wrong = (finding for finding in manifest.findings if not finding.passed)
        told = (f"{finding.check} ({', '.join(f'{name}: {value}' for name, value in finding.detail.items())})" for finding in wrong)
        return self._fail(manifest.day, f"the audit of {manifest.table} failed: {'; '.join(told)}")

    def _fail(self, day: str, reason: str) -> bool:
        self._context.log.error(f"{day}: {reason}")
        self._failed.setdefault(day, reason)
        return False

    def _materialized(self, asset: dg.AssetKey, manifest: Manifest, more: Metadata) -> None:
        known: Metadata = {"dagster/partition_row_count": manifest.rows, "bytes": manifest.bytes, "seconds": manifest.seconds, "version": manifest.version}
        self._context.log_event(dg.AssetMaterialization(asset, partition=manifest.day, metadata={**known, **more}))
        if asset.to_user_string() in AUDITS:
            self._checked(asset, manifest)

    def _checked(self, asset: dg.AssetKey, manifest: Manifest) -> None:
        """Log the audit; only a check that names the day's latest materialization counts as the day's in Dagit."""
        latest = self._context.instance.fetch_materializations(dg.AssetRecordsFilter(asset, asset_partitions=[manifest.day]), limit=1).records
        target = TargetMaterialization(storage_id=latest[0].storage_id, run_id=latest[0].run_id, timestamp=latest[0].timestamp) if latest else None
        for finding in manifest.findings:
            self._context.log_event(
                dg.AssetCheckEvaluation(
                    asset_key=asset,
                    check_name=finding.check,
                    passed=finding.passed,
                    partition=manifest.day,
                    target_materialization_data=target,
                    metadata={name: _plottable(value) for name, value in finding.detail.items()},
                )
            )

    def _preview(self, table: Table, manifest: Manifest) -> dg.TableMetadataValue:
        rows = head(self._lake, Partition(table, manifest.day), manifest, PREVIEW_ROWS)
        records = [dg.TableRecord({name: str(value) for name, value in row.items()}) for row in rows]
        return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(column.name, column.type) for column in table.columns]))


def _amounts(manifest: Manifest) -> dict[str, float]:
    """Fares and tips as numbers that Dagit can plot; the exact ones are in the checks."""
    source = manifest.fingerprint
    return {"trip_fare": float(source.fare or 0), "tip_amount": float(source.tip or 0)} if source else {}


def _plottable(value: str) -> str | int:
    """Small counts as numbers, which Dagit plots; it cannot hold the 64 bits of a hash."""
    return int(value) if value.isdigit() and len(value) < 16 else value
