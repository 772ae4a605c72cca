"""The tables of a database, with what a person needs to know before declaring one."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Inspector, text

from cab_assets.declarations import SourceTable
from cab_assets.declare.catalog import SourceRelation, names, relation
from cab_assets.declare.text import days

# Name, estimated rows and bytes, as the server keeps them for its planner
SIZES = {
    "postgresql": (
        "SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'm', 'v')"
    ),
    "mysql": (
        "SELECT table_name, coalesce(table_rows, 0), coalesce(data_length + index_length, 0) FROM"
        " information_schema.tables WHERE table_schema = database()"
    ),
}


@dataclass(frozen=True)
class Seen:
    """A table of the source, with estimates of its rows and bytes, and its name in Hive."""

    relation: SourceRelation
    rows: int
    bytes: int
    declared: str | None


def overview(inspector: Inspector, declared: Mapping[str, SourceTable]) -> list[Seen]:
    """Return the tables of the default schema. `declared` is by the name in the source."""
    connection = inspector.bind
    if not isinstance(connection, Connection):
        raise TypeError("the inspector is of no connection")
    found = connection.execute(text(SIZES[_kind(inspector)])).fetchall()
    sizes = {str(name): (int(rows), int(size)) for name, rows, size in found}
    return [
        Seen(
            relation(inspector, name),
            *sizes.get(name, (0, 0)),
            declared[name].name if name in declared else None,
        )
        for name in names(inspector)
    ]


def _kind(inspector: Inspector) -> str:
    return "postgresql" if inspector.dialect.name == "postgresql" else "mysql"


def shown(tables: list[Seen]) -> str:
    """Return a table for a terminal."""
    lines = [("TABLE", "ROWS", "MB", "DAY COLUMNS", "DECLARED AS")]
    lines += [
        (
            each.relation.name,
            f"{each.rows:,}",
            f"{each.bytes / 1e6:,.1f}",
            ", ".join(days(each.relation)) or "-",
            each.declared or "-",
        )
        for each in tables
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {rows:>{widths[1]}}  {size:>{widths[2]}}  {day:<{widths[3]}}  {to}"
        for name, rows, size, day, to in lines
    )
