"""The hash of a row in MySQL."""

import re
from collections.abc import Mapping
from typing import Any

import pymysql

from cab_assets.declarations import SourceTable
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql_failures import MIXED, code_of

UTF8 = "convert({} USING utf8mb4)"
# Before the character set in the type of a text column: one that must be converted to UTF-8 before
# it is hashed, and any other
OF_CHARACTER_SET, IN = " character set ", " in "
TEXT_MARKS = rf"(({OF_CHARACTER_SET}|{IN})\w+)?"


def character_set(kind: str) -> str:
    """Return the character set of a marked type, or an empty text. All of UTF-8 are one."""
    found = re.search(rf"(?:{OF_CHARACTER_SET}|{IN})(utf8|\w+)", kind)
    return found[1] if found else ""


def row_hash(columns: Mapping[str, str]) -> str:
    """Return an SQL expression: the first 60 bits of an MD5 over the quoted values.

    QUOTE separates the values and distinguishes NULL from an empty text. A row whose quoted values
    exceed max_allowed_packet gives NULL; it is hashed from the MD5 of each value instead.
    """
    values = [_hashed(name, kind) for name, kind in columns.items()]
    quoted = ", ',', ".join(f"quote({value})" for value in values)
    long = ", ',', ".join(f"quote(md5({value}))" for value in values)
    return (
        f"cast(conv(left(coalesce(md5(concat({quoted})), md5(concat({long}))), 15), 16, 10) AS"
        " signed)"
    )


def _hashed(name: str, kind: str) -> str:
    """Return the value that is hashed. A float becomes a double: as text it has only six digits."""
    if OF_CHARACTER_SET in kind:
        return UTF8.format(name)
    return f"({name} + 0e0)" if kind.startswith("float") else name


def hashable(
    dialect: Dialect,
    cursor: Any,
    table: str,
    columns: Mapping[str, str],
    character_sets: Mapping[str, str],
    declared: SourceTable,
) -> dict[str, str]:
    """Return column -> type of a table, with the character set of each text.

    MySQL finds a common character set for the texts of most tables. If it does not, each text is
    converted to UTF-8. Other tables are not converted: their hashes would change, and every day
    would be imported again.
    """
    is_common = len(set(character_sets.values())) <= 1
    is_hashed = is_common or _is_hashed(dialect, cursor, table, columns, declared)
    mark = IN if is_hashed else OF_CHARACTER_SET
    named = {column: f"{mark}{name}" for column, name in character_sets.items()}
    return {column: kind + named.get(column, "") for column, kind in columns.items()}


def _is_hashed(
    dialect: Dialect,
    cursor: Any,
    table: str,
    columns: Mapping[str, str],
    declared: SourceTable,
) -> bool:
    names = [each.source_name for each in declared.columns if each.source_name in columns]
    if not names:
        return True
    imported = {dialect.quoted(name): columns[name] for name in names}
    try:
        cursor.execute(f"SELECT {row_hash(imported)} FROM {dialect.table(table)} LIMIT 0")
    except pymysql.MySQLError as error:
        if code_of(error) in MIXED:
            return False
        raise
    return True
