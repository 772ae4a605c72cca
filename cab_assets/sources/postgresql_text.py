"""Find text whose bytes are not valid in the database's encoding."""

import codecs
import re
from typing import Any

from cab_assets.sources.source import Source

# The encoding of a database that stores bytes as they are
NO_ENCODING = "SQL_ASCII"


def undecodable(cursor: Any, source: Source, within: str) -> str | None:
    """Name the first column and row whose bytes cannot become UTF-8, or return None."""
    (encoding,) = cursor.execute("SHOW server_encoding").fetchone()
    codec = _codec(encoding)
    if codec is None:
        return None
    key = source.declared.key[0]
    names = sorted((text.name for text in source.declared.texts), key=lambda name: name != key)
    sent = ", ".join(f"convert_to({name}::text, '{NO_ENCODING}')" for name in names)
    for row in cursor.stream(f"SELECT {sent} FROM {source.name} WHERE {within}"):
        for name, value in zip(names, row, strict=True):
            try:
                codec.decode(value or b"")
            except UnicodeDecodeError:
                of = (row[0] or b"").decode(errors="backslashreplace")
                kind = "UTF-8" if encoding == NO_ENCODING else encoding
                return f"{source.name}.{name} of the booking {of} is not {kind}: {value!r}"
    return None


def _codec(encoding: str) -> codecs.CodecInfo | None:
    """Return Python's codec of PostgreSQL's encoding, or None if there is none of that name."""
    name = "UTF8" if encoding == NO_ENCODING else re.sub("^WIN", "cp", encoding)
    try:
        return codecs.lookup(name)
    except LookupError:
        return None
