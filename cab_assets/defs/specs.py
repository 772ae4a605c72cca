"""The specs of assets and of their checks."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from cab_assets.declarations import Column, Table
from cab_assets.store.checks import Check


def table_spec(
    key: dg.AssetKey,
    *,
    group: str,
    deps: list[dg.AssetKey],
    table: Table,
    kinds: set[str],
    description: str,
    partitions_def: dg.PartitionsDefinition | None = None,
) -> dg.AssetSpec:
    """Return the spec of a table's asset, with its columns and owner."""
    return dg.AssetSpec(
        key,
        deps=deps,
        # The step yields no outputs: it logs one AssetMaterialization per day itself
        skippable=True,
        partitions_def=partitions_def,
        group_name=group,
        kinds=kinds,
        owners=["team:data-platform"],
        code_version=str(table.code_version),
        description=description,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[described(column) for column in table.columns]
            )
        },
    )


def check_specs(
    asset: str, checks: Iterable[Check[Any]], days: dg.PartitionsDefinition
) -> list[dg.AssetCheckSpec]:
    """Return the specs of an asset's checks, partitioned by day."""
    return [
        dg.AssetCheckSpec(each.name, asset=asset, description=each.claim, partitions_def=days)
        for each in checks
    ]


def described(column: Column) -> dg.TableColumn:
    return dg.TableColumn(column.name, column.type, description=column.about)


def log_check(context: dg.OpExecutionContext, asset: dg.AssetKey, name: str, **result: Any) -> None:
    """Log the result of a check from an op. `result` are arguments of AssetCheckEvaluation."""
    evaluation = dg.AssetCheckEvaluation(asset_key=asset, check_name=name, **result)
    # Dagster accepts the event, although the annotation of log_event does not include it
    context.log_event(evaluation)  # type: ignore[arg-type]
