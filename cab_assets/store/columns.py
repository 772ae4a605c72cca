"""The columns of a table or view, as declared and as Hive describes them."""

from collections.abc import Iterable, Mapping, Sequence

from cab_assets.clients.hive_text import Row, quoted
from cab_assets.errors import CabError
from cab_assets.schemas import Column


class ColumnChanged(CabError):
    """A column has another type in Hive than in `cab_assets/schemas.py`."""


def declared(columns: Iterable[Column]) -> str:
    """Return the columns as a CREATE or ALTER statement declares them."""
    return ", ".join(f"`{each.name}` {each.type} COMMENT {quoted(each.about)}" for each in columns)


def described(rows: Iterable[Row]) -> dict[str, str]:
    """Return name -> type from the rows of DESCRIBE.

    The columns end at a blank line or a line with `#`; partition columns follow.
    """
    found: dict[str, str] = {}
    for name, kind, *_ in rows:
        if not name or str(name).startswith("#"):
            break
        # A Spark can be configured to call the type timestamp `timestamp_ntz`
        found[str(name).strip()] = str(kind).strip().removesuffix("_ntz")
    return found


def lacking(name: str, columns: Sequence[Column], there: Mapping[str, str]) -> list[Column]:
    """Return those of `columns` that Hive does not have yet.

    Raise ColumnChanged if Hive has one of them with another type.
    """
    if changed := [each for each in columns if there.get(each.name, each.type) != each.type]:
        wrong = "; ".join(
            f"{each.name} is {there[each.name]}, but declared as {each.type}" for each in changed
        )
        raise ColumnChanged(
            f"{name} in Hive has columns of another type: {wrong}. Nothing was changed. In"
            " cab_assets/schemas.py, declare the type that Hive has, or use another column name"
        )
    return [each for each in columns if each.name not in there]
