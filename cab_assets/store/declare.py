"""Create tables and views in the metastore, at most once for each client."""

from collections.abc import Sequence
from hashlib import sha256

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveRefused
from cab_assets.clients.hive_text import not_a_uri, quoted
from cab_assets.errors import CabError
from cab_assets.schemas import Column, Table
from cab_assets.store.columns import Description, declared, lacking

# Otherwise, a scheduled task of Apache Hive would add the folder of each day as a partition, with
# all its versions
NOT_DISCOVERED = "'discover.partitions'='false'"


class ForeignTable(CabError):
    """Hive has a table of this name that the pipeline did not create."""


def declare_table(hive: Hive, table: Table, location: str) -> None:
    """Create an external table over a folder of the lake, or add the columns that it lacks.

    Raises ForeignTable if there is a table of this name that is not external or not of Parquet.
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
        f" STORED AS PARQUET LOCATION {quoted(location)} TBLPROPERTIES ({NOT_DISCOVERED})"
    )
    found = _described(hive, table.name)
    if not (found.is_external and found.is_parquet):
        raise ForeignTable(
            f"Hive has a table {name} that is not an external table of Parquet files, so the"
            " pipeline did not create it. Rename it, or set another database in CAB_HIVE_URL."
            " Nothing was changed"
        )
    if not found.says("discover.partitions", "false"):
        hive.execute(f"ALTER TABLE {name} SET TBLPROPERTIES ({NOT_DISCOVERED})")
    if more := lacking(table.name, table.columns, found.columns):
        _add(hive, table, more)
    hive.declared.add(table.name)


def declare_view(hive: Hive, name: str, columns: Sequence[Column], selection: str) -> None:
    """Create a view of these columns, or replace one of another declaration.

    A view with more columns is of a newer version of the code, and stays.
    """
    if name in hive.declared:
        return
    names = ", ".join(f"`{column.name}`" for column in columns)
    text = f"SELECT {names} {selection}"
    mark = f"declaration {sha256(text.encode()).hexdigest()[:16]}"
    view = f"{hive.name(name)} COMMENT {quoted(mark)} AS {text}"
    hive.execute(f"CREATE VIEW IF NOT EXISTS {view}")
    found = _described(hive, name)
    lacks = lacking(name, columns, found.columns)
    is_ours = found.columns.keys() <= {column.name for column in columns}
    if lacks or (is_ours and not found.says("comment", mark)):
        hive.execute(f"CREATE OR REPLACE VIEW {view}")
    hive.declared.add(name)


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
