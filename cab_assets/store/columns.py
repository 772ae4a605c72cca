"""The columns of a table or view, as declared and as Hive describes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from cab_assets.clients.hive_text import Row, quoted
from cab_assets.declarations import Column
from cab_assets.errors import CabError


class ColumnChanged(CabError):
    """A column has another type in Hive than in `cab_assets/tables`."""


def declared(columns: Iterable[Column]) -> str:
    """Return the columns as a CREATE or ALTER statement declares them."""
    return ", ".join(f"`{each.name}` {each.type} COMMENT {quoted(each.about)}" for each in columns)


@dataclass(frozen=True)
class Description:
    """A table or view as DESCRIBE FORMATTED shows it."""

    # Name -> type
    columns: dict[str, str]
    # The words of each line after the columns, in lower case and without colons
    lines: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Description":
        """Parse the rows. Apache Hive shows a heading first, Spark does not."""
        cells = [[str(cell or "").strip() for cell in row] for row in rows]
        body = list(dropwhile(_is_heading, cells))
        columns = list(takewhile(lambda row: not _is_heading(row), body))
        return cls(
            # A Spark can be configured to call the type timestamp `timestamp_ntz`
            {name: kind.removesuffix("_ntz") for name, kind, *_ in columns},
            tuple(" ".join(row).replace(":", " ").lower() for row in body[len(columns) :]),
        )

    def says(self, text: str) -> bool:
        """Return whether a text is in one of the lines, whatever its case."""
        return any(text.lower().replace(":", " ") in line for line in self.lines)

    def has_property(self, name: str, value: str) -> bool:
        """Return whether a table property has this value."""
        pattern = re.compile(rf"(?<![\w.]){re.escape(name)}[= ]+{re.escape(value)}(?![\w.])")
        return any(map(pattern.search, self.lines))

    @property
    def is_external(self) -> bool:
        return self._is("(table )?type", "external")

    @property
    def is_view(self) -> bool:
        return self._is("(table )?type", "view|virtual_view")

    @property
    def is_parquet(self) -> bool:
        return self._is("inputformat", r"\S*parquet")

    def is_partitioned_by(self, column: str) -> bool:
        return self._is(re.escape(column), "string")

    def _is(self, name: str, value: str) -> bool:
        """Return whether the line of that name begins with the value."""
        pattern = re.compile(rf"{name} +({value})")
        return any(map(pattern.match, self.lines))


def _is_heading(row: Sequence[str]) -> bool:
    """Return whether a line is blank or begins with `#`, as those between two parts are."""
    return not row[0] or row[0].startswith("#")


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
            " cab_assets/tables, declare the type that Hive has, or use another column name"
        )
    return [each for each in columns if each.name not in there]
