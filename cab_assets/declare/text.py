"""A declaration as Python text, as `ruff format` leaves it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten

from cab_assets.declare.catalog import NothingToDeclare, SourceColumn, SourceRelation
from cab_assets.declare.types import hive_type, is_amount, is_moment

WIDTH, ABOUT = 100, 70
# Endings of a day's column that the partition column does not repeat
ENDINGS = r"_(at|time|timestamp|datetime|date|on)$"


@dataclass(frozen=True)
class Wanted:
    """What the user decides; None where the catalog does."""

    name: str | None = None
    day: str | None = None
    key: tuple[str, ...] | None = None
    partition: str | None = None


@dataclass(frozen=True)
class Declaration:
    """A declared table, not yet text."""

    relation: SourceRelation
    name: str
    # The column of the day, as the database spells it
    source_day: str
    key: tuple[str, ...]
    partition: str

    @property
    def day(self) -> str:
        return hive_name(self.source_day)

    @property
    def constant(self) -> str:
        return self.name.upper()

    @property
    def index_hint(self) -> str | None:
        """The statement that makes an index on the day's column, if none begins with it."""
        if self.source_day in self.relation.indexed:
            return None
        return (
            f"No index begins with {self.source_day}, so each day reads the whole table. To make"
            f" one: CREATE INDEX ON {self.relation.name} ({self.source_day})"
        )

    @property
    def row(self) -> str:
        words = self.name.replace("_", " ")
        return re.sub(r"ies$", "y", words) if words.endswith("ies") else words.removesuffix("s")

    def text(self) -> str:
        """Return the module that declares the table."""
        source = self.relation.name
        about = shorten(self.relation.comment or f"One row per {self.row}", ABOUT).rstrip(".")
        columns = {column.name: hive_name(column.name) for column in self.relation.columns}
        amounts = [
            columns[each.name]
            for each in self.relation.columns
            if is_amount(each.name, hive_type(each.type))
        ]
        keyed = "_and_".join(self.key) + "_is_key" if self.key else None
        lines = [
            f'"""The table {self.name}, as `cab declare {source}` found it."""',
            "",
            "from cab_assets.declarations import Column, SourceTable",
            "",
            f"{self.constant} = SourceTable(",
            f"    name={_quoted(self.name)},",
            f"    about={_quoted(about)},",
            f"    row={_quoted(self.row)},",
            *([] if source == self.name else [f"    source={_quoted(source)},"]),
            f"    day={_quoted(self.day)},",
            f"    by={_quoted(f'day of {self.day}')},",
            f"    partition_column={_quoted(self.partition)},",
            *([] if self.key else ["    # No key: duplicate rows are not detected"]),
            f"    key={_tuple(self.key)},",
            f"    key_check={_quoted(keyed) if keyed else None},",
            *([f"    totals={_tuple(amounts)},"] if amounts else []),
            "    columns=(",
            *(line for each in self.relation.columns for line in _column(each)),
            "    ),",
            ")",
        ]
        return "\n".join(lines) + "\n"


def declaration(relation: SourceRelation, wanted: Wanted) -> Declaration:
    """Return the declaration of a table. Raise NothingToDeclare if it has no day, or several."""
    named = {hive_name(column.name) for column in relation.columns}
    for each in (wanted.key or (), [wanted.day] if wanted.day else []):
        if missing := [name for name in each if hive_name(name) not in named]:
            raise NothingToDeclare(f"{relation.name} has no column {', '.join(missing)}")
    day = _spelled(relation, wanted.day) if wanted.day else _day(relation)
    key = tuple(map(hive_name, relation.key if wanted.key is None else wanted.key))
    partition = wanted.partition or f"{re.sub(ENDINGS, '', hive_name(day))}_date"
    name = wanted.name or hive_name(relation.name.rpartition(".")[2])
    return Declaration(
        relation, name, day, key, f"{partition}_of_row" if partition in named else partition
    )


def _spelled(relation: SourceRelation, name: str) -> str:
    """Return a column's name as the database spells it."""
    return next(each.name for each in relation.columns if hive_name(each.name) == hive_name(name))


def days(relation: SourceRelation) -> list[str]:
    """Return the columns whose date could be the day of a row."""
    return [each.name for each in relation.columns if is_moment(hive_type(each.type))]


def _day(relation: SourceRelation) -> str:
    found = days(relation)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NothingToDeclare(
            f"{relation.name} has no date or timestamp, so its rows belong to no day"
        )
    raise NothingToDeclare(
        f"{relation.name} has several dates or timestamps: choose with --day the one whose date"
        f" never changes ({', '.join(found)})"
    )


def hive_name(name: str) -> str:
    """Return a name of small letters, digits and underscores."""
    return re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_") or "column"


def _column(column: SourceColumn) -> list[str]:
    parts = [hive_name(column.name), hive_type(column.type), shorten(column.comment, ABOUT)]
    values = [*map(_quoted, parts)]
    if column.name != parts[0]:
        values.append(f"source={_quoted(column.name)}")
    line = f"        Column({', '.join(values)}),"
    if len(line) <= WIDTH:
        return [line]
    inner = f"            {', '.join(values)}"
    inside = [inner] if len(inner) <= WIDTH else [f"            {value}," for value in values]
    return ["        Column(", *inside, "        ),"]


def _quoted(text: str) -> str:
    """Return a string literal as `ruff format` writes it."""
    escaped = text.replace("\\", "\\\\")
    if '"' in escaped and "'" not in escaped:
        return f"'{escaped}'"
    return '"' + escaped.replace('"', '\\"') + '"'


def _tuple(names: Sequence[str] | Iterable[str]) -> str:
    literals = [_quoted(name) for name in names]
    return f"({', '.join(literals)}{',' if len(literals) == 1 else ''})"
