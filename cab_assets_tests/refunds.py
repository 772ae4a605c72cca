"""Tables with columns of every type, whose values are at the edges of their types."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any

import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake
from cab_assets.declarations import Column, SourceTable
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.stored_day import StoredDay

DAY = date(2020, 9, 1)
ROWS = 120
Row = dict[str, Any]
REFUNDS = SourceTable(
    name="refunds",
    about="One row per line of a refund",
    row="refund",
    partition_column="refund_date",
    key=("refund_id", "line"),
    key_check="refund_and_line_are_key",
    day="refunded_at",
    by="day of the refund",
    columns=(
        Column("refund_id", "string", "UUID of the refund"),
        Column("line", "int", "line of the refund", source="Line No."),
        Column("refunded_at", "timestamp", "when it was paid"),
        Column("amount", "decimal(10,4)", "exact"),
        Column("state", "string", "an enum"),
        Column("is_final", "boolean", "whether it is final"),
        Column("due", "date", "when it is due"),
        Column("proof", "binary", "bytes"),
        Column("order", "bigint", "a reserved word"),
        Column("mixed_case", "string", "a text", source='Mixed "Case" `%`'),
        Column("document", "string", "JSON"),
        Column("span", "string", "an interval or a time"),
        Column("tags", "string", "several values"),
        Column("price", "string", "money, or a year"),
        Column("ratio", "double", "not a double in the database"),
        Column("large", "bigint", "may not fit"),
        Column("small", "int", "may not fit"),
        Column("whole", "decimal(38,10)", "may not fit"),
        Column("half", "decimal(12,2)", "whole numbers in the database"),
    ),
)
VISITS = SourceTable(
    name="visits",
    about="One row per visit, without a key",
    row="visit",
    partition_column="visit_date",
    key=(),
    day="day",
    by="day of the visit",
    columns=(
        Column("day", "date", "the day", source="Day"),
        Column("guest", "string", "who came"),
        Column("count", "int", "how many"),
    ),
)
UUIDS = [f"{number:08x}-1231-11eb-adc1-0242ac120002" for number in range(ROWS)]


def refunds(edges: Mapping[str, Sequence[Any]], times: Sequence[str]) -> list[Row]:
    """Return rows with each of the `edges` of each column, and with NULL."""
    chance = random.Random(7)
    free = [each.name for each in REFUNDS.columns if each.name in edges]
    return [
        {
            "refund_id": UUIDS[number // 2],
            "line": number % 2,
            "refunded_at": times[number % len(times)],
            **{name: chance.choice([None, *edges[name], *edges[name]]) for name in free},
            **({free[0]: None} if number == 0 else {}),
        }
        for number in range(ROWS)
    ]


def insert(
    table: SourceTable, named: str, quote: str, rows: Iterable[Row]
) -> tuple[str, list[Any]]:
    """Return the statement that inserts rows, and their values."""
    names = [quote + each.source_name.replace(quote, 2 * quote) + quote for each in table.columns]
    columns = ", ".join(names).replace("%", "%%")
    marks = ", ".join(["%s"] * len(names))
    values = [[row[each.name] for each in table.columns] for row in rows]
    return f"INSERT INTO {named} ({columns}) VALUES ({marks})", values


def day_of(table: SourceTable, lake: Lake, day: date = DAY) -> StoredDay:
    return StoredDay(table, lake, str(day))


def written(day: StoredDay, manifest: Manifest) -> list[Row]:
    """Return the rows of a version's files."""
    assert manifest.passed, manifest.findings
    folder = day.folder(manifest.version)
    (file,) = manifest.files
    rows: list[Row] = pq.read_table(f"{folder}/{file.name}", filesystem=day.lake.files).to_pylist()
    return rows


def expected(table: SourceTable, rows: Iterable[Sequence[str | None]]) -> list[Row]:
    """Return rows of texts, which a plain driver read, as a file should hold them."""
    return [
        {
            column.name: None if text is None else _expected(column, text)
            for column, text in zip(table.columns, row, strict=True)
        }
        for row in rows
    ]


def _expected(column: Column, text: str) -> Any:
    match column.type:
        case "string":
            return text
        case "boolean":
            return text in ("true", "1")
        case "int" | "bigint":
            return int(Decimal(text))
        case "double":
            return float(text)
        case "date":
            return date.fromisoformat(text)
        case "timestamp":
            return datetime.fromisoformat(text)
        case "binary":
            return bytes.fromhex(text)
    return Decimal(text).quantize(Decimal(1).scaleb(-column.scale), context=Context(prec=99))


def alike(rows: Iterable[Row]) -> list[str]:
    """Return rows as texts, in which NaN is NaN, and -0.0 is not 0.0."""
    return sorted(repr(row) for row in rows)


def arrival(manifest: Manifest) -> Finding:
    (found,) = (each for each in manifest.findings if each.check == "arrived_as_sent")
    return found


def keyed(table: SourceTable, *key: str) -> SourceTable:
    """Return the table with another key."""
    return replace(table, key=key)
