"""Texts of HiveServer2: literals, locations, plans and error messages."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhive.exc import Error as PyHiveError

Row = tuple[Any, ...]


def quoted(text: str) -> str:
    """`text` as a literal of Hive and Spark."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def normal_url(location: str) -> str:
    """`file:///a` for `file:/a`, which both HiveServer2s answer when told `file:///a`."""
    scheme, _, path = location.partition(":")
    return location if path.startswith("//") else f"{scheme}://{path}"


def planned_locations(plan: Iterable[Row], partition_column: str) -> Iterator[tuple[str, str]]:
    """Each partition of a plan, and where it lies: that line comes after its value, and before the
    one of the table's location.
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
    """The server's own words, out of the Thrift structure that PyHive raises."""
    answer = error.args[0] if error.args else error
    return str(getattr(getattr(answer, "status", None), "errorMessage", None) or answer)


def not_a_uri(location: str) -> str | None:
    """Return a character for which Java takes no URI, or None: Apache Hive's SET LOCATION makes
    one.
    """
    found = re.search(r"[\s\"<>^`|]|%(?![0-9A-Fa-f]{2})", location)
    return found[0] if found else None
