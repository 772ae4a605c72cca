"""Find text that is not UTF-8, in a database without an encoding (SQL_ASCII)."""

from typing import Any

from cab_assets.sources.source import Source


def not_utf8(cursor: Any, source: Source, within: str) -> str | None:
    """Name the first column and row whose bytes are not UTF-8, or return None."""
    key = source.declared.key[0]
    names = sorted((text.name for text in source.declared.texts), key=lambda name: name != key)
    sent = ", ".join(f"convert_to({name}::text, 'SQL_ASCII')" for name in names)
    for row in cursor.stream(f"SELECT {sent} FROM {source.name} WHERE {within}"):
        for name, value in zip(names, row, strict=True):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                of = (row[0] or b"").decode(errors="backslashreplace")
                return f"{source.name}.{name} of the booking {of} is not UTF-8: {value!r}"
    return None
