"""The columns of a MySQL table, as its server describes them."""

import re
from collections.abc import Sequence
from typing import Any

from cab_assets.declarations import SourceTable
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql_hash import hashable


def shape(dialect: Dialect, cursor: Any, table: str, declared: SourceTable) -> dict[str, str]:
    """Return column -> type of a table, as `hashable` marks texts; {} if there is no such table."""
    columns = (
        "SELECT column_name, column_type, coalesce(character_set_name, '') FROM"
        " information_schema.columns"
    )
    rows = [tuple(map(_text, row)) for row in _of_the_table(cursor, columns, table)]
    found = {_as_declared(column, declared): kind for column, kind, _ in rows}
    if not found and _of_the_table(cursor, "SELECT 1 FROM information_schema.tables", table):
        # A view without columns is broken: reading it raises the server's reason
        cursor.execute(f"SELECT 1 FROM {dialect.table(table)} LIMIT 0")
    sets = {_as_declared(column, declared): name for column, _, name in rows if name}
    return hashable(dialect, cursor, table, found, sets, declared)


def _of_the_table(cursor: Any, query: str, table: str) -> Sequence[Any]:
    """Return the rows of `query`, on a table of information_schema, that describe `table`."""
    schema, _, name = table.rpartition(".")
    cursor.execute(
        f"{query} WHERE table_name = %s AND table_schema = coalesce(nullif(%s, ''), database())",
        (name, schema),
    )
    rows: Sequence[Any] = cursor.fetchall()
    return rows


def _as_declared(column: str, declared: SourceTable) -> str:
    """Return the declared name if it differs only in case, which MySQL ignores."""
    names = {each.source_name.lower(): each.source_name for each in declared.columns}
    return names.get(column.lower(), column)


def _text(value: Any) -> str:
    """Return a value as text: information_schema has bytes or text, depending on the server.

    A type of an old table or of a view can be marked by a comment.
    """
    text = value.decode() if isinstance(value, bytes) else str(value)
    return re.sub(r"\s*/\*.*?\*/", "", text)
