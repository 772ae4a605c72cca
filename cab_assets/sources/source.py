"""A table as declared and as it is in the source database, and the SQL that reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from cab_assets.clients.clocks import Clocks, raise_if_zone_differs
from cab_assets.declarations import FIGURES, ROW_HASH, TEXT_BYTES, Column, SourceTable
from cab_assets.sources.dialect import Dialect


@dataclass(frozen=True)
class Source:
    """The columns to import are `declared`; `shape` is column -> the database's name of its type.

    `name` is the table's name, and both are spelled as in the database.
    """

    declared: SourceTable
    name: str
    shape: Mapping[str, str]
    dialect: Dialect

    @property
    def table(self) -> str:
        """The table's name as SQL."""
        return self.dialect.table(self.name)

    def sql(self, column: Column) -> str:
        """Return a column's name as SQL."""
        return self.dialect.quoted(column.source_name)

    def type_of(self, column: Column) -> str:
        """Return the database's name of a column's type."""
        return self.shape[column.source_name]

    @property
    def added_columns(self) -> list[str]:
        """Return the columns of the source that are not imported."""
        return sorted(self.shape.keys() - {each.source_name for each in self.declared.columns})

    @property
    def day_column(self) -> str:
        """The name as SQL of the column that sets the day."""
        return self.sql(self.declared.column(self.declared.day))

    @property
    def day_type(self) -> str:
        return self.type_of(self.declared.column(self.declared.day))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they arrive: with the type string where the values come as text."""
        types = self.dialect.types
        return tuple(
            replace(each, type=types.arrives_as(each, self.type_of(each)))
            for each in self.declared.columns
        )

    @property
    def arriving(self) -> pa.Schema:
        """The columns of a reader's rows, then the hash of each row and the bytes of its texts."""
        columns = [pa.field(each.name, each.arrow_type) for each in self.columns]
        more = [pa.field(name, pa.int64()) for name in (ROW_HASH, TEXT_BYTES)]
        return pa.schema([*columns, *more])

    @property
    def texts(self) -> list[Column]:
        """The declared columns whose values come as text."""
        pairs = zip(self.declared.columns, self.columns, strict=True)
        return [declared for declared, arriving in pairs if arriving.type == "string"]

    def value(self, column: Column) -> str:
        """Return the SQL expression of a column's value as it arrives."""
        return self.dialect.value(column, self.type_of(column))

    def text(self, column: Column) -> str:
        """Return the SQL expression of a value's text; no conversion of a number can fail."""
        expression = self.sql(column) if column.type == "double" else self.value(column)
        return self.dialect.as_text(expression)

    @property
    def naming(self) -> list[Column]:
        """The columns whose values name a row in messages."""
        return list(map(self.declared.column, self.declared.naming))

    @cached_property
    def row_hash(self) -> str:
        """The SQL expression of a row's hash, over the columns that are imported."""
        return self.dialect.row_hash([(each, self.type_of(each)) for each in self.declared.columns])

    @cached_property
    def conversions(self) -> dict[str, str]:
        """Column -> zone or character set from which the SELECT converts its stored values."""
        columns = self.declared.columns
        found = {each.name: self.dialect.conversion(each, self.type_of(each)) for each in columns}
        return {name: conversion for name, conversion in found.items() if conversion}

    def raise_if_zone_differs(self, cursor: Any, edges: Sequence[datetime]) -> None:
        """Raise ZonesDisagree if the server converts an edge of the day by other rules than Python.

        Its time zone tables can be old, or a name can mean a fixed offset to it.
        """
        times = self.declared.of_type("timestamp")
        kind = next((self.type_of(each) for each in times if each.name in self.conversions), "")
        for edge in edges if kind else ():
            shown = self.dialect.wall_clock(self.dialect.bound(edge, kind), kind)
            cursor.execute(f"SELECT cast({shown} AS char(19))")
            moment = self.dialect.moment_of(edge)
            (local,) = cursor.fetchone()
            clocks = Clocks(moment, moment.replace(tzinfo=None), datetime.fromisoformat(local))
            raise_if_zone_differs(self.dialect.address, clocks, ZoneInfo(self.dialect.zone))

    @property
    def text_bytes(self) -> str:
        """The SQL expression of the length of a row's texts, in bytes of UTF-8."""
        return " + ".join(map(self._bytes, self.texts)) or "0"

    def _bytes(self, text: Column) -> str:
        if text.type == "binary":
            # Each byte arrives as two digits, unless the server drops a text that is too long
            return f"coalesce(2 * octet_length({self.sql(text)}), 0)"
        return f"coalesce(octet_length({self.dialect.utf8.format(self.value(text))}), 0)"

    def within(self, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a row in [start, end), as local times."""
        return self.dialect.between(self.day_column, self.day_type, start, end)

    def without_a_day(self, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a row that belongs to no day of [start, end)."""
        return self.dialect.without_a_day(self.day_column, self.day_type, start, end)

    @property
    def day(self) -> str:
        """The SQL expression of a row's day."""
        return self.dialect.day_of(self.day_column, self.day_type)

    @property
    def sums(self) -> list[str]:
        summed = map(self.declared.column, self.declared.totals)
        return [f"sum({self.sql(each)})" for each in summed]

    @property
    def figures(self) -> list[str]:
        """The SQL expressions of the control totals of some rows."""
        times = self.declared.of_type("timestamp", "date")
        unreal = [
            f"count({self.sql(each)}) - count({self.value(each)})"
            for each in times
            if each.name != self.declared.day
        ]
        return ["count(*)", *self.sums, f"sum({self.row_hash})", " + ".join(unreal) or "0"]

    def totals_of(self, start: datetime, end: datetime) -> str:
        """Return the statement for the control totals of [start, end)."""
        figures = ", ".join(self.figures)
        return f"SELECT {figures} FROM {self.table} WHERE {self.within(start, end)}"

    def rows_of(self, start: datetime, end: datetime, more: Sequence[str] = ()) -> str:
        """Return the statement for the rows of [start, end): columns of `arriving`, then `more`."""
        values = (
            f"{self.value(each)} AS {self.dialect.quoted(each.name)}"
            for each in self.declared.columns
        )
        proof = f"{self.row_hash} AS {ROW_HASH}, {self.text_bytes} AS {TEXT_BYTES}"
        columns = ", ".join([*values, proof, *more])
        return f"SELECT {columns} FROM {self.table} WHERE {self.within(start, end)}"

    def rows_and_totals_of(self, start: datetime, end: datetime) -> str:
        """Return one statement for rows and totals. The totals are the only row with FIGURES."""
        nothing = ", ".join(["NULL"] * len(self.arriving))
        figures = ", ".join(f"coalesce({each}, '')" for each in self.figures)
        totals = f"SELECT {nothing}, concat_ws(',', {figures}) FROM {self.table}"
        rows = self.rows_of(start, end, [f"CAST(NULL AS char) AS {FIGURES}"])
        return f"{rows} UNION ALL {totals} WHERE {self.within(start, end)}"
