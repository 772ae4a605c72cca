"""Text of a PostgreSQL database that does not know its encoding (SQL_ASCII)."""

from typing import Any

from cab_assets.sources.dialect import TEXTS


def not_utf8(cursor: Any, table: str, within: str) -> str | None:
    """Return which column of which booking holds bytes that are not UTF-8."""
    names = [column.name for column in TEXTS]
    sent = ", ".join(f"convert_to({name}::text, 'SQL_ASCII')" for name in names)
    for row in cursor.stream(f"SELECT {sent} FROM {table} WHERE {within}"):
        for name, value in zip(names, row, strict=True):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                key = (row[0] or b"").decode(errors="backslashreplace")
                return f"{table}.{name} of the booking {key} is not UTF-8: {value!r}"
    return None
