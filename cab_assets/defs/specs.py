"""How an asset over a table of ours is described."""

import dagster as dg

from cab_assets.schemas import Column, Table


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
    """What its rows are, their columns, who answers for it."""
    return dg.AssetSpec(
        key,
        deps=deps,
        skippable=True,  # a step that returns vouches for nothing: what was done is materialized by itself
        partitions_def=partitions_def,
        group_name=group,
        kinds=kinds,
        owners=["team:data-platform"],
        code_version=str(table.code_version),
        description=description,
        metadata={"dagster/column_schema": dg.TableSchema(columns=[described(column) for column in table.columns])},
    )


def described(column: Column) -> dg.TableColumn:
    return dg.TableColumn(column.name, column.type, description=column.about)
