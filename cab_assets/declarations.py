"""How tables are declared: their columns, with the types that Hive, Spark and Parquet use."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cab_assets.errors import CabError

# The folder of the tables
TABLES = Path(__file__).with_name("tables")
DECIMAL = r"decimal\((\d+),(\d+)\)"
# In a check: the number of rows
ROWS = "rows"


class BadDeclaration(CabError):
    """A table is declared in a way that contradicts itself."""


@dataclass(frozen=True)
class Column:
    """A column as Hive declares it; `about` is its comment in Hive."""

    name: str
    type: str
    about: str
    # Whether a timestamp is an instant in UTC, not a local timestamp
    instant: bool = False
    # The column's name in the database; None if it is the same
    source: str | None = None

    @property
    def source_name(self) -> str:
        return self.source or self.name

    @property
    def is_decimal(self) -> bool:
        return re.fullmatch(DECIMAL, self.type) is not None

    @property
    def precision(self) -> int:
        """Digits of a decimal; 0 of other types."""
        decimal = re.fullmatch(DECIMAL, self.type)
        return int(decimal[1]) if decimal else 0

    @property
    def scale(self) -> int:
        """Digits after the decimal point of a decimal; 0 of other types."""
        decimal = re.fullmatch(DECIMAL, self.type)
        return int(decimal[2]) if decimal else 0

    @property
    def arrow_type(self) -> pa.DataType:
        if self.is_decimal:
            return pa.decimal128(self.precision, self.scale)
        return pa.timestamp("us", tz="UTC") if self.instant else ARROW_TYPES[self.type]

    @property
    def spark_type(self) -> str:
        """The type with which Spark writes the values to Parquet without a shift of time zone.

        Hive and Spark both read the file's column as `type`.
        """
        return "timestamp_ntz" if self.type == "timestamp" and not self.instant else self.type


ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "binary": pa.binary(),
    "array<string>": pa.list_(pa.string()),
    # A local timestamp, without a zone
    "timestamp": pa.timestamp("us"),
}


# Names of what a reader gets beside the columns
PROOF = ROW_HASH, TEXT_BYTES, FIGURES = "row_hash", "text_bytes", "figures"
# Types, beside decimals, in which columns are imported from a database
IMPORTABLE = ("string", "boolean", "int", "bigint", "double", "date", "timestamp", "binary")


@dataclass(frozen=True)
class Table:
    """An external Hive table on Parquet files, partitioned by a day or by the number of a batch.

    Raises BadDeclaration, which names the table and the field, if it contradicts itself.
    """

    name: str
    # What one row is, as a sentence without its full stop
    about: str
    partition_column: str
    # Columns that identify a row within a partition; a source table may have none
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    # Increase it when the same input would produce different rows. A day of a table that is
    # imported or derived is then rebuilt the next time it runs; a day of `clicks` or `rejects` is
    # not, because folding does not compare it
    code_version: int = 1

    def __post_init__(self) -> None:
        repeated = [name for name, count in Counter(self.names).items() if count > 1]
        self._require("columns", not repeated, f"{', '.join(repeated)} is there twice")
        for each in self.columns:
            known = each.type in ARROW_TYPES or re.fullmatch(DECIMAL, each.type)
            self._require("columns", bool(known), f"{each.name} has the unknown type {each.type}")
        self._require_columns("key", self.key)
        self._require(
            "partition_column",
            self.partition_column not in self.names,
            f"{self.partition_column} is a column too",
        )

    def _require_columns(self, field: str, names: Iterable[str]) -> None:
        for name in names:
            self._require(field, name in self.names, f"there is no column {name}")

    def _require(self, field: str, holds: bool, problem: str) -> None:
        if not holds:
            raise BadDeclaration(f"table {self.name}, {field}: {problem}")

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def ddl(self) -> str:
        """The columns as `name type, …`, which Spark reads as a schema."""
        return ", ".join(f"{column.name} {column.spark_type}" for column in self.columns)

    def of_type(self, *types: str) -> list[Column]:
        """Return the columns that have one of these Hive types."""
        return [column for column in self.columns if column.type in types]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, kw_only=True)
class SourceTable(Table):
    """A table that is imported day by day from a database."""

    # One row, as messages call it
    row: str
    # The date or timestamp whose date is the day, and that day in words
    day: str
    by: str
    # Table, view or schema.table as the database spells it, without quotes; None if it is `name`
    source: str | None = None
    # Columns whose sums are compared with the sums in the source
    totals: tuple[str, ...] = ()
    # Column -> name of its total in manifests, if that is another name
    stored_as: tuple[tuple[str, str], ...] = ()
    # Name of the check that no key is missing or duplicate; None if there is no key
    key_check: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_columns("day", [self.day])
        self._require_columns("totals", self.totals)
        times = {each.name for each in self.of_type("timestamp", "date")}
        self._require("day", self.day in times, f"{self.day} is neither a timestamp nor a date")
        agree = bool(self.key_check) == bool(self.key)
        self._require("key_check", agree, "name the check of the key, and none without a key")
        self._require_importable()
        numbers = {each.name for each in [*self.exact, *self.of_type("bigint", "int")]}
        for name in self.totals:
            self._require("totals", name in numbers, f"{name} is neither a decimal nor an integer")

    def _require_importable(self) -> None:
        for each in self.columns:
            kind = "an instant" if each.instant else f"a {each.type}"
            known = each.is_decimal or (each.type in IMPORTABLE and not each.instant)
            self._require("columns", known, f"{each.name} is {kind}, which is not imported")
            self._require(
                "columns",
                re.fullmatch("[a-z0-9_]+", each.name) is not None,
                f"Hive cannot name a column `{each.name}`; spell it in lower case and give the name"
                " in the database as `source`",
            )
            self._require(
                "columns",
                each.name not in PROOF,
                f"{each.name} is a name of the import; give another name, and this one as `source`",
            )

    @property
    def raw(self) -> str:
        """The asset of the versions that are imported and not yet published."""
        return f"raw_{self.name}"

    @property
    def observed(self) -> str:
        """The asset of the table in the database."""
        return f"rds_{self.name}"

    @property
    def naming(self) -> tuple[str, ...]:
        """The columns whose values name a row in messages: the key, or the day without a key."""
        return self.key or (self.day,)

    def row_named(self, values: Iterable[Any]) -> str:
        """Return a row in words, such as `the booking BK1`, from its values of `naming`."""
        said = ", ".join(map(str, values))
        return f"the {self.row} {said}" if self.key else f"a {self.row} at {said}"

    @property
    def labels(self) -> list[str]:
        """The names of the totals in manifests."""
        other = dict(self.stored_as)
        return [other.get(name, name) for name in self.totals]

    @property
    def texts(self) -> list[Column]:
        return self.of_type("string")

    @property
    def exact(self) -> list[Column]:
        """Columns of decimals, such as amounts."""
        return [column for column in self.columns if column.is_decimal]


@dataclass(frozen=True)
class Unique:
    """A check of a derived table: no two rows of a day have the same key."""

    name: str
    claim: str


@dataclass(frozen=True)
class AddsUp:
    """A check of a derived table: the sum of a column is a total of the day that it is made from.

    `sums` are pairs of a column and a total, or ROWS for the number of rows.
    """

    name: str
    claim: str
    sums: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class DerivedTable(Table):
    """A table that Spark computes from the days of another one."""

    # The table that each day is made from
    made_from: SourceTable
    # A statement that selects the partition column and the columns FROM {rows}
    sql: str
    checks: tuple[Unique | AddsUp, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("sql", "{rows}" in self.sql, "it does not select FROM {rows}")
        for check in self.checks:
            for column, total in check.sums if isinstance(check, AddsUp) else ():
                self._require_columns("checks", [column])
                known = total == ROWS or total in self.made_from.totals
                self._require("checks", known, f"{total} is no total of {self.made_from.name}")


@dataclass(frozen=True, kw_only=True)
class FoldedTable(Table):
    """A table whose days are made from batches of clicks."""


def sql(name: str) -> str:
    """Return the text of a file in the folder of the tables."""
    return (TABLES / name).read_text()
