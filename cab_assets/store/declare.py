"""Create tables and views in the metastore, at most once for each client."""

from collections.abc import Sequence

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveRefused
from cab_assets.clients.hive_text import not_a_uri, quoted
from cab_assets.schemas import Column, Table
from cab_assets.store.columns import declared, described, lacking


def declare_table(hive: Hive, table: Table, location: str) -> None:
    """Create an external table over a folder of the lake, or add the columns that it lacks."""
    if table.name in hive.declared:
        return
    odd = not_a_uri(location)
    if odd and hive.is_apache:
        raise HiveRefused(
            f"Apache Hive cannot set the location of a partition to one with {odd!r}: choose a"
            " CAB_LAKE_ROOT without it"
        )
    name = hive.name(table.name)
    hive.execute(
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {name} ({declared(table.columns)})"
        f" PARTITIONED BY (`{table.partition_column}` STRING)"
        f" STORED AS PARQUET LOCATION {quoted(location)}"
    )
    if more := _lacking(hive, table.name, table.columns):
        # In Apache Hive, each partition has its own list of columns; in Spark, it has none
        cascade = " CASCADE" if hive.is_apache else ""
        try:
            hive.execute(f"ALTER TABLE {name} ADD COLUMNS ({declared(more)}){cascade}")
        # Another run may have added the columns meanwhile
        except HiveRefused:
            if _lacking(hive, table.name, table.columns):
                raise


def declare_view(hive: Hive, name: str, columns: Sequence[Column], selection: str) -> None:
    """Create a view of these columns, or replace one that lacks some of them."""
    if name in hive.declared:
        return
    names = ", ".join(f"`{column.name}`" for column in columns)
    view = f"{hive.name(name)} AS SELECT {names} {selection}"
    hive.execute(f"CREATE VIEW IF NOT EXISTS {view}")
    if _lacking(hive, name, columns):
        hive.execute(f"CREATE OR REPLACE VIEW {view}")


def _lacking(hive: Hive, name: str, columns: Sequence[Column]) -> list[Column]:
    """Return the columns that a table or view lacks. If it lacks none, it is not checked again."""
    found = lacking(name, columns, described(hive.execute(f"DESCRIBE {hive.name(name)}")))
    if not found:
        hive.declared.add(name)
    return found
