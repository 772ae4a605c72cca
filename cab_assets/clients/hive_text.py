"""Texts of HiveServer2: literals, locations, plans and error messages."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhive.exc import Error as PyHiveError

Row = tuple[Any, ...]


def quoted(text: str) -> str:
    """Return `text` as a literal of Hive and Spark."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def normal_url(location: str) -> str:
    """Return `file:///a` for `file:/a`, which both HiveServer2s answer when given the first."""
    scheme, _, path = location.partition(":")
    return location if path.startswith("//") else f"{scheme}://{path}"


def planned_locations(plan: Iterable[Row], partition_column: str) -> Iterator[tuple[str, str]]:
    """Return each partition of a plan with its location.

    The line of a location comes after the partition's value and before the table's location.
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
    """Return the server's own words, out of the Thrift structure that PyHive raises."""
    answer = error.args[0] if error.args else error
    return str(getattr(getattr(answer, "status", None), "errorMessage", None) or answer)


def not_a_uri(location: str) -> str | None:
    """Return a character that no Java URI may hold, or None: Hive's SET LOCATION makes one."""
    found = re.search(r"[\s\"<>^`|]|%(?![0-9A-Fa-f]{2})", location)
    return found[0] if found else None
