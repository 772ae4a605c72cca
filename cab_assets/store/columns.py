"""Columns of a table or view: as declared, and as Hive describes them."""

from collections.abc import Iterable, Mapping, Sequence

from cab_assets.clients.hive_text import Row, quoted
from cab_assets.errors import CabError
from cab_assets.schemas import Column


class ColumnChanged(CabError):
    """A column has another type in Hive than in `cab_assets/schemas.py`."""


def declared(columns: Iterable[Column]) -> str:
    """Return the columns as a statement declares them."""
    return ", ".join(f"`{each.name}` {each.type} COMMENT {quoted(each.about)}" for each in columns)


def described(rows: Iterable[Row]) -> dict[str, str]:
    """Return name -> type out of DESCRIBE's rows, up to the blank or `#` line before partitions."""
    found: dict[str, str] = {}
    for name, kind, *_ in rows:
        if not name or str(name).startswith("#"):
            break
        # How a Spark may be set to call it
        found[str(name).strip()] = str(kind).strip().removesuffix("_ntz")
    return found


def lacking(name: str, columns: Sequence[Column], there: Mapping[str, str]) -> list[Column]:
    """Return the columns that are not there yet.

    Raise ColumnChanged if one is there with another type.
    """
    if changed := [each for each in columns if there.get(each.name, each.type) != each.type]:
        wrong = "; ".join(
            f"{each.name} is {there[each.name]}, declared is {each.type}" for each in changed
        )
        raise ColumnChanged(
            f"{name} in Hive has columns of another type: {wrong}. Nothing was changed. Declare the"
            " type that Hive has in cab_assets/schemas.py, or add a column of another name"
        )
    return [each for each in columns if each.name not in there]
