"""Find text whose bytes are not valid in the database's encoding."""

import codecs
import re
from itertools import islice
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
    naming, texts = source.naming, source.declared.texts
    sent = ", ".join(
        f"convert_to({source.text(each)}, '{NO_ENCODING}')" for each in [*naming, *texts]
    )
    for row in cursor.stream(f"SELECT {sent} FROM {source.table} WHERE {within}"):
        for text, value in zip(texts, row[len(naming) :], strict=True):
            try:
                codec.decode(value or b"")
            except UnicodeDecodeError:
                shown = ((each or b"").decode(errors="backslashreplace") for each in row)
                of = source.declared.row_named(islice(shown, len(naming)))
                kind = "UTF-8" if encoding == NO_ENCODING else encoding
                return f"{source.name}.{text.name} of {of} is not {kind}: {value!r}"
    return None


def _codec(encoding: str) -> codecs.CodecInfo | None:
    """Return Python's codec of PostgreSQL's encoding, or None if there is none of that name."""
    name = "UTF8" if encoding == NO_ENCODING else re.sub("^WIN", "cp", encoding)
    try:
        return codecs.lookup(name)
    except LookupError:
        return None
