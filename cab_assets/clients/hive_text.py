"""Parse and write texts of HiveServer2: literals, locations, plans and error messages."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhive.exc import Error as PyHiveError

Row = tuple[Any, ...]


def quoted(text: str) -> str:
    """Return `text` as a string literal of Hive and Spark."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def normal_url(location: str) -> str:
    """Return `file:///a` for `file:/a`: HiveServer2 answers the second when the first was set."""
    scheme, _, path = location.partition(":")
    return location if path.startswith("//") else f"{scheme}://{path}"


def planned_locations(plan: Iterable[Row], partition_column: str) -> Iterator[tuple[str, str]]:
    """Yield the value and location of each partition in a query plan.

    The line of its location follows the partition's value, and comes before the table's location.
    """
    value = None
    for row in plan:
        name, _, said = str(row[0]).strip().partition(" ")
        if name == partition_column:
            value = said
        elif name == "location" and value:
            yield value, normal_url(said)
            value = None


def said(error: PyHiveError) -> str:
    """Return the server's message from the Thrift structure that PyHive raises."""
    answer = error.args[0] if error.args else error
    return str(getattr(getattr(answer, "status", None), "errorMessage", None) or answer)


def not_a_uri(location: str) -> str | None:
    """Return a character that is not allowed in a Java URI, or None.

    Hive's SET LOCATION converts the location to a URI.
    """
    found = re.search(r"[\s\"<>^`|]|%(?![0-9A-Fa-f]{2})", location)
    return found[0] if found else None
