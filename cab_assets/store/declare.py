"""Create tables and views in the metastore, at most once for each client."""

from collections.abc import Sequence

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveRefused
from cab_assets.clients.hive_text import not_a_uri, quoted
from cab_assets.declarations import Column, Table
from cab_assets.errors import CabError
from cab_assets.store.columns import Description, declared, lacking

# Otherwise, a scheduled task of Apache Hive would add the folder of each day as a partition, with
# all its versions; and DROP would delete files
PROPERTIES = {"discover.partitions": "false", "external.table.purge": "false"}
SET = ", ".join(f"'{name}'='{value}'" for name, value in PROPERTIES.items())


class ForeignTable(CabError):
    """Hive has a table or view of this name that the pipeline did not create."""


def declare_table(hive: Hive, table: Table, location: str) -> None:
    """Create an external table over a folder of the lake, or add the columns that it lacks.

    Raises ForeignTable if there is a table of this name that is not external, not of Parquet, or
    partitioned otherwise.
    """
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
        f" STORED AS PARQUET LOCATION {quoted(location)} TBLPROPERTIES ({SET})"
    )
    found = _described(hive, table.name)
    is_ours = found.is_external and found.is_parquet
    if not (is_ours and found.is_partitioned_by(table.partition_column)):
        raise _foreign(hive, table)
    if not all(found.has_property(*each) for each in PROPERTIES.items()):
        hive.execute(f"ALTER TABLE {name} SET TBLPROPERTIES ({SET})")
    if more := lacking(table.name, table.columns, found.columns):
        _add(hive, table, more)
    hive.declared.add(table.name)


def declare_view(hive: Hive, name: str, columns: Sequence[Column], selection: str) -> None:
    """Create a view of these columns, or replace one of another text.

    A view of the same selection with more columns is of a newer version of the code, and stays.
    Raises ForeignTable if it is a table.
    """
    if name in hive.declared:
        return
    names = ", ".join(f"`{column.name}`" for column in columns)
    text = f"SELECT {names} {selection}"
    hive.execute(f"CREATE VIEW IF NOT EXISTS {hive.name(name)} AS {text}")
    found = _described(hive, name)
    if not found.is_view:
        raise ForeignTable(
            f"{hive.name(name)} in Hive is a table, but the pipeline needs a view of that name."
            " Rename the table, or set another database in CAB_HIVE_URL. Nothing was changed"
        )
    is_newer = found.says(selection) and found.columns.keys() > {each.name for each in columns}
    if lacking(name, columns, found.columns) or not (found.says(text) or is_newer):
        hive.execute(f"CREATE OR REPLACE VIEW {hive.name(name)} AS {text}")
    hive.declared.add(name)


def _foreign(hive: Hive, table: Table) -> ForeignTable:
    name = hive.name(table.name)
    return ForeignTable(
        f"Hive has a table {name} that is not an external table of Parquet files, partitioned by"
        f" {table.partition_column}. If the pipeline did not create it, rename it or set another"
        " database in CAB_HIVE_URL; if it did, set back what was changed (ALTER TABLE … SET"
        " TBLPROPERTIES, SET FILEFORMAT). Nothing was changed"
    )


def _add(hive: Hive, table: Table, columns: Sequence[Column]) -> None:
    # In Apache Hive, each partition has its own list of columns; in Spark, it has none
    cascade = " CASCADE" if hive.is_apache else ""
    try:
        hive.execute(
            f"ALTER TABLE {hive.name(table.name)} ADD COLUMNS ({declared(columns)}){cascade}"
        )
    # Another run may have added the columns meanwhile
    except HiveRefused:
        if lacking(table.name, table.columns, _described(hive, table.name).columns):
            raise


def _described(hive: Hive, name: str) -> Description:
    return Description.of(hive.execute(f"DESCRIBE FORMATTED {hive.name(name)}"))
