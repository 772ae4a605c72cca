"""A table as declared and as it is in the source database, and the SQL that reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from cab_assets.clients.clocks import Clocks, raise_if_zone_differs
from cab_assets.schemas import Column, SourceTable
from cab_assets.sources.dialect import Dialect

ROW_HASH, TEXT_BYTES, FIGURES = "row_hash", "text_bytes", "figures"


@dataclass(frozen=True)
class Source:
    """The columns to import are `declared`; `shape` is column -> the database's name of its type.

    `name` is the table's name in statements.
    """

    declared: SourceTable
    name: str
    shape: Mapping[str, str]
    dialect: Dialect

    @property
    def added_columns(self) -> list[str]:
        """Return the columns of the source that are not imported."""
        return sorted(self.shape.keys() - set(self.declared.names))

    @property
    def day_type(self) -> str:
        return self.shape[self.declared.day]

    @property
    def arriving(self) -> pa.Schema:
        """The columns of a reader's rows, then the hash of each row and the bytes of its texts."""
        more = [pa.field(name, pa.int64()) for name in (ROW_HASH, TEXT_BYTES)]
        return pa.schema([*self.declared.arrow_schema, *more])

    def value(self, column: Column) -> str:
        """Return the SQL expression of a column's value as the lake stores it."""
        return self.dialect.value(column, self.shape[column.name])

    @cached_property
    def row_hash(self) -> str:
        """The SQL expression of a row's hash, over the columns that are imported."""
        columns = {name: self.shape[name] for name in self.declared.names}
        return self.dialect.row_hash(columns, {each.name for each in self.declared.exact})

    @cached_property
    def conversions(self) -> dict[str, str]:
        """Column -> zone or character set from which the SELECT converts its stored values."""
        found = {name: self.dialect.conversion(self.shape[name]) for name in self.declared.names}
        return {name: conversion for name, conversion in found.items() if conversion}

    def raise_if_zone_differs(self, cursor: Any, edges: Sequence[datetime]) -> None:
        """Raise ZonesDisagree if the server converts an edge of the day by other rules than Python.

        Its time zone tables can be old, or a name can mean a fixed offset to it.
        """
        times = self.declared.of_type("timestamp")
        kind = next((self.shape[each.name] for each in times if each.name in self.conversions), "")
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
        texts = (self.dialect.utf8.format(self.value(text)) for text in self.declared.texts)
        return " + ".join(f"coalesce(octet_length({text}), 0)" for text in texts)

    def within(self, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a row in [start, end), as local times."""
        return self.dialect.between(self.declared.day, self.day_type, start, end)

    def without_a_day(self, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a row that belongs to no day of [start, end)."""
        return self.dialect.without_a_day(self.declared.day, self.day_type, start, end)

    @property
    def day(self) -> str:
        """The SQL expression of a row's day."""
        return self.dialect.day_of(self.declared.day, self.day_type)

    @property
    def sums(self) -> list[str]:
        return [f"sum({name})" for name in self.declared.totals]

    @property
    def figures(self) -> list[str]:
        """The SQL expressions of the control totals of some rows."""
        times = self.declared.of_type("timestamp")
        unreal = [
            f"count({each.name}) - count({self.value(each)})"
            for each in times
            if each.name != self.declared.day
        ]
        return ["count(*)", *self.sums, f"sum({self.row_hash})", " + ".join(unreal) or "0"]

    def totals_of(self, start: datetime, end: datetime) -> str:
        """Return the statement for the control totals of [start, end)."""
        figures = ", ".join(self.figures)
        return f"SELECT {figures} FROM {self.name} WHERE {self.within(start, end)}"

    def rows_of(self, start: datetime, end: datetime, more: Sequence[str] = ()) -> str:
        """Return the statement for the rows of [start, end): columns of `arriving`, then `more`."""
        values = (f"{self.value(each)} AS {each.name}" for each in self.declared.columns)
        proof = f"{self.row_hash} AS {ROW_HASH}, {self.text_bytes} AS {TEXT_BYTES}"
        columns = ", ".join([*values, proof, *more])
        return f"SELECT {columns} FROM {self.name} WHERE {self.within(start, end)}"

    def rows_and_totals_of(self, start: datetime, end: datetime) -> str:
        """Return one statement for rows and totals. The totals are the only row with FIGURES."""
        nothing = ", ".join(["NULL"] * len(self.arriving))
        figures = ", ".join(f"coalesce({each}, '')" for each in self.figures)
        totals = f"SELECT {nothing}, concat_ws(',', {figures}) FROM {self.name}"
        rows = self.rows_of(start, end, [f"CAST(NULL AS char) AS {FIGURES}"])
        return f"{rows} UNION ALL {totals} WHERE {self.within(start, end)}"
