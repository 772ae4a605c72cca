"""Tables of PostgreSQL with columns of every type arrive as psycopg reads them."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.declarations import SourceTable
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.store.manifest import Manifest
from cab_assets.wiring import Clients
from cab_assets_tests.refunds import (
    DAY,
    REFUNDS,
    ROWS,
    UUIDS,
    VISITS,
    Row,
    alike,
    arrival,
    day_of,
    expected,
    insert,
    keyed,
    refunds,
    written,
)

ZONE = "Asia/Kolkata"
TYPES = {
    "refund_id": "uuid",
    "line": "smallint",
    "refunded_at": "timestamptz",
    "amount": "{schema}.amount",
    "state": '{schema}."State"',
    "is_final": "boolean",
    "due": "date",
    "proof": "bytea",
    "order": "bigint",
    "mixed_case": "varchar(2000)",
    "document": "jsonb",
    "span": "interval",
    "tags": "numeric(5,2)[]",
    "price": "money",
    "ratio": "numeric",
    "large": "numeric",
    "small": "bigint",
    "whole": "numeric",
    "half": "bigint",
}
EDGES: dict[str, Sequence[Any]] = {
    "amount": ["0", "-0.0001", "999999.9999", "-999999.9999", "1.5"],
    "state": ["paid", "in dispute, 'x'"],
    "is_final": [True, False],
    "due": ["0001-01-01", "1582-10-10", "2020-02-29", "9999-12-31"],
    "proof": [b"", b"\x00", b"\xff\xfe\x80", b"\\x41", bytes(range(256)), b"\x00" * 1_000],
    "order": [0, -1, 2**63 - 1, -(2**63), 2**53 + 1],
    "mixed_case": ["", " ", "a,b\n\"'\\", "\x1e\x1f", "नमस्ते 😀", "x" * 1_500],
    "document": ['{"a": [1, null, "é"]}', "null", '""', "1.50"],
    "span": ["1 year -2 days 03:04:05.6", "0", "-00:00:01"],
    "tags": ["{}", "{1.50,NULL,-3}"],
    "price": ["-1234.5", "0", "92233720368547758.07"],
    "ratio": ["0", "1.1", "-1e300", "NaN", "0.1"],
    "large": ["0", "9223372036854775807", "-9223372036854775808", "5.000"],
    "small": [2**31 - 1, -(2**31), 0],
    "whole": ["9999999999999999999999999999.9999999999", "-0.0000000001", "1.10000000000000", "7"],
    "half": [0, -1, 2**31 - 1],
}
TIMES = [f"{DAY} {at}{ZONE}" for at in ("00:00:00 ", "12:30:00.000001 ", "23:59:59.999999 ")]
ways = pytest.mark.parametrize("indexed", [True, False], ids=["packed", "COPY"])


@dataclass(frozen=True)
class Made:
    """A schema of the test's own, with tables in mixed case."""

    db: BookingsDb
    schema: str
    lake: Lake

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            done = connection.execute(statement.replace("{schema}", self.schema), values or None)
            return done.fetchall() if done.description else []

    def connection(self) -> "psycopg.Connection[Any]":
        dialect = self.db.dialect
        options = "-c timezone=UTC -c intervalstyle=postgres -c lc_monetary=C"
        return psycopg.connect(
            dialect.address, password=dialect.password.text, autocommit=True, options=options
        )

    def of(self, table: SourceTable, name: str) -> SourceTable:
        return replace(table, source=f"{self.schema}.{name}")

    def insert(self, table: SourceTable, name: str, *rows: Row) -> None:
        statement, values = insert(table, f'{self.schema}."{name}"', '"', rows)
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.executemany(statement, values)

    def run(self, table: SourceTable, day: date = DAY) -> Manifest:
        return import_day(self.db.of(table), day_of(table, self.lake, day), "run").manifest

    def rows(self, table: SourceTable, manifest: Manifest) -> list[Row]:
        return written(day_of(table, self.lake, date.fromisoformat(manifest.day)), manifest)


@pytest.fixture
def made(stack: Environment, tmp_path: Path) -> Iterator[Made]:
    db = Clients(stack).bookings_db
    db = replace(db, dialect=replace(db.dialect, zone=ZONE))
    made = Made(db, f"sales_{secrets.token_hex(4)}", Lake(f"file://{tmp_path}"))
    made.sql("CREATE SCHEMA {schema}")
    made.sql("CREATE DOMAIN {schema}.narrow AS numeric(10,4)")
    made.sql("CREATE DOMAIN {schema}.amount AS {schema}.narrow CHECK (value < 1e6)")
    made.sql("""CREATE TYPE {schema}."State" AS ENUM ('paid', 'in dispute, ''x''')""")
    try:
        yield made
    finally:
        made.sql("DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def table(made: Made) -> SourceTable:
    columns = ", ".join(
        '"{}" {}'.format(each.source_name.replace('"', '""'), TYPES[each.name])
        for each in REFUNDS.columns
    )
    made.sql(f'CREATE TABLE {{schema}}."Order" ({columns})')
    made.sql('CREATE INDEX ON {schema}."Order" (refunded_at)')
    return made.of(REFUNDS, "Order")


def sent(made: Made, table: SourceTable) -> list[Row]:
    """Return the rows as a plain driver reads their texts."""
    columns = []
    for each in table.columns:
        name = '"' + each.source_name.replace('"', '""') + '"'
        local = f"({name} AT TIME ZONE '{ZONE}')"
        shown = {"timestamp": local, "binary": f"encode({name}, 'hex')"}.get(each.type, name)
        columns.append(f"{shown}::text")
    return expected(table, made.sql(f'SELECT {", ".join(columns)} FROM {{schema}}."Order"'))


@ways
@pytest.mark.parametrize("window_rows", [20_000, 7])
def test_every_value_of_every_type_is_written_as_it_is(
    made: Made,
    table: SourceTable,
    monkeypatch: pytest.MonkeyPatch,
    indexed: bool,
    window_rows: int,
) -> None:
    monkeypatch.setattr("cab_assets.sources.postgresql_windows.WINDOW_ROWS", window_rows)
    if not indexed:
        made.sql('DROP INDEX {schema}."Order_refunded_at_idx"')
    made.insert(table, "Order", *refunds(EDGES, TIMES))
    manifest = made.run(table)
    assert alike(made.rows(table, manifest)) == alike(sent(made, table))
    assert arrival(manifest).detail == {"compared": str(ROWS)}
    assert made.run(table).version == manifest.version


def test_sums_of_the_largest_numbers_equal_those_of_the_source(
    made: Made, table: SourceTable
) -> None:
    made.insert(table, "Order", *refunds(EDGES, TIMES))
    totals = ("whole", "order", "amount")
    manifest = made.run(replace(table, totals=totals))
    found = manifest.fingerprint
    (sums,) = made.sql('SELECT sum(whole), sum("order"), sum(amount) FROM {schema}."Order"')
    assert manifest.passed, manifest.findings
    assert found
    assert {name: Decimal(str(value)) for name, value in found.totals.items()} == dict(
        zip(totals, sums, strict=True)
    )


@ways
def test_a_session_of_other_settings_reads_the_same_texts(
    made: Made, table: SourceTable, indexed: bool
) -> None:
    if not indexed:
        made.sql('DROP INDEX {schema}."Order_refunded_at_idx"')
    made.insert(table, "Order", *refunds(EDGES, TIMES))
    first = made.run(table)
    database = made.db.dialect.address.rpartition("/")[2]
    hostile = {"intervalstyle": "iso_8601", "bytea_output": "escape", "datestyle": "SQL, DMY"}
    try:
        for name, value in hostile.items():
            made.sql(f"ALTER DATABASE {database} SET {name} = '{value}'")
        assert made.run(table).version == first.version
    finally:
        for name in hostile:
            made.sql(f"ALTER DATABASE {database} RESET {name}")


CHANGES = [
    # First: beside a negative number, the row is hashed as text
    ("half", 0, 2**32 + 1),
    ("amount", "1.5", "1.5001"),
    ("state", "paid", None),
    ("is_final", True, False),
    ("due", "2020-01-01", "2020-01-02"),
    ("proof", b"a", b"b"),
    ("order", 1, 2),
    ("order", -1, 2**32 - 1),
    ("mixed_case", "a", "A"),
    ("document", '{"a": 1}', '{"a": 2}'),
    ("span", "1 day", "24:00:00"),
    ("tags", "{1.0}", "{1.5}"),
    ("price", "1", "2"),
    ("large", "1", "-1"),
]


def test_one_change_of_each_column_is_noticed(made: Made, table: SourceTable) -> None:
    named = {"refund_id": UUIDS[0], "line": 0, "refunded_at": TIMES[0]}
    made.insert(table, "Order", dict.fromkeys(REFUNDS.names) | named)
    db, unnoticed = made.db.of(table), []
    for name, before, after in CHANGES:
        column = table.column(name).source_name.replace('"', '""').replace("%", "%%")
        seen = []
        for value in (before, after):
            made.sql(f'UPDATE {{schema}}."Order" SET "{column}" = %s', value)
            found = db.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)
            seen.append(found[str(DAY)])
        if not seen[0].differs_from(seen[1]):
            unnoticed.append(name)
    assert unnoticed == []


@ways
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("amount", "NaN", "NaN, which does not fit decimal(10,4)"),
        ("whole", "10000000000000000000000000000", ", which does not fit decimal(38,10)"),
        ("whole", "1.00000000005", "1.00000000005, which does not fit decimal(38,10)"),
        ("large", "9223372036854775808", "9223372036854775808, which does not fit bigint"),
        ("large", "1.5", "1.5, which does not fit bigint"),
        ("large", "Infinity", "Infinity, which does not fit bigint"),
        ("small", 2**31, "2147483648, which does not fit int"),
        ("due", "10000-01-01", "10000-01-01, which does not fit date"),
        ("due", "infinity", "infinity, which does not fit date"),
        ("ratio", "1e309", ", which does not fit double"),
    ],
)
def test_a_value_that_does_not_fit_ends_the_day_by_column_key_and_value(
    made: Made, table: SourceTable, indexed: bool, name: str, value: Any, shown: str
) -> None:
    if not indexed:
        made.sql('DROP INDEX {schema}."Order_refunded_at_idx"')
    made.sql("ALTER DOMAIN {schema}.amount DROP CONSTRAINT amount_check")
    made.insert(table, "Order", *refunds(EDGES, TIMES))
    made.sql(
        f'UPDATE {{schema}}."Order" SET "{name}" = %s WHERE refund_id = %s AND "Line No." = 1',
        value,
        UUIDS[3],
    )
    with pytest.raises(SourceUnreadable) as failed:
        made.run(table)
    said = str(failed.value)
    assert f"{name} of the refund {UUIDS[3]}, 1 is " in said
    assert shown in said


KEYS = ["amount", "is_final", "due", "proof", "order", "refunded_at", "ratio", "tags", "large"]


def test_a_key_may_have_columns_of_any_type(made: Made, table: SourceTable) -> None:
    rows = [row for row in refunds(EDGES, TIMES) if all(row[name] is not None for name in KEYS)]
    made.insert(table, "Order", *rows)
    manifest = made.run(keyed(table, *KEYS, "refund_id"))
    assert manifest.passed, manifest.findings
    assert arrival(manifest).detail == {"compared": str(len(rows))}


def test_a_repeated_key_of_two_columns_fails_its_check(made: Made, table: SourceTable) -> None:
    rows = refunds(EDGES, TIMES)
    made.insert(table, "Order", *rows, rows[4])
    manifest = made.run(table)
    assert manifest.failed == ["refund_and_line_are_key"]
    (found,) = (each for each in manifest.findings if not each.passed)
    assert found.detail["repeated keys"] == f"refund_id {UUIDS[2]}, line 0"


def visit(day: str, guest: str | None = "é", count: int = 1) -> Row:
    return {"day": day, "guest": guest, "count": count}


@ways
def test_a_day_of_dates_without_a_key_is_imported(made: Made, indexed: bool) -> None:
    table = made.of(VISITS, "Visits of Guests")
    made.sql(
        'CREATE TABLE {schema}."Visits of Guests" ("Day" date, guest text, count int)',
    )
    if indexed:
        made.sql('CREATE INDEX ON {schema}."Visits of Guests" ("Day")')
    there = [visit(str(DAY)), visit(str(DAY)), visit(str(DAY), None, 2)]
    others = [visit("2020-08-31"), visit("2020-09-02"), visit("infinity"), visit("10000-01-01")]
    made.insert(table, "Visits of Guests", *there, *others)
    made.sql('INSERT INTO {schema}."Visits of Guests" VALUES (NULL)')
    manifest = made.run(table)
    assert alike(made.rows(table, manifest)) == alike(row | {"day": DAY} for row in there)
    assert arrival(manifest).detail == {"compared": "0, because the table has no key"}
    assert [each.check for each in manifest.findings][1] == "rows_inside_day"
    db = made.db.of(table)
    days = db.fingerprints(date(2020, 8, 1), date(2020, 10, 1), hashed=True, seconds=60)
    assert {day: found.rows for day, found in days.items()} == {
        "2020-08-31": 1,
        str(DAY): 3,
        "2020-09-02": 1,
    }
    assert db.rows_without_a_day(date(2020, 8, 1), seconds=60) == 3


def test_more_rows_of_a_date_than_a_window_are_read_otherwise(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cab_assets.sources.postgresql_windows.WINDOW_ROWS", 2)
    table = made.of(VISITS, "Visits")
    made.sql('CREATE TABLE {schema}."Visits" ("Day" date, guest text, count int)')
    made.sql('CREATE INDEX ON {schema}."Visits" ("Day")')
    made.insert(table, "Visits", *(visit(str(DAY), count=number) for number in range(9)))
    assert len(made.rows(table, made.run(table))) == 9


def test_a_value_without_a_key_is_named_by_its_day(made: Made) -> None:
    table = made.of(VISITS, "Visits")
    made.sql('CREATE TABLE {schema}."Visits" ("Day" date, guest text, count bigint)')
    made.insert(table, "Visits", visit(str(DAY), count=2**31))
    with pytest.raises(SourceUnreadable, match="count of a visit at 2020-09-01 is 2147483648"):
        made.run(table)
