"""Tables of MariaDB with columns of every type arrive as PyMySQL reads them."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pymysql
import pytest

from cab_assets import environment
from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.declarations import SourceTable
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.store.manifest import Manifest
from cab_assets.wiring import Clients
from cab_assets_tests.cluster.databases import Database
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

pytestmark = pytest.mark.cluster

ZONE = "Asia/Kolkata"
TYPES = {
    "refund_id": "uuid",
    "line": "tinyint unsigned",
    "refunded_at": "timestamp(6) NULL",
    "amount": "decimal(10,4)",
    "state": "enum('paid', 'in dispute, ''x''')",
    "is_final": "bool",
    "due": "date",
    "proof": "mediumblob",
    "order": "bigint",
    "mixed_case": "varchar(2000)",
    "document": "json",
    "span": "time(3)",
    "tags": "set('a', 'b c', 'é')",
    "price": "year",
    "ratio": "float",
    "large": "bigint unsigned",
    "small": "int unsigned",
    "whole": "decimal(65,20)",
    "half": "int",
}
EDGES: dict[str, Sequence[Any]] = {
    "amount": ["0", "-0.0001", "999999.9999", "-999999.9999", "1.5"],
    "state": ["paid", "in dispute, 'x'"],
    "is_final": [1, 0],
    "due": ["0001-01-01", "1582-10-10", "2020-02-29", "9999-12-31"],
    "proof": [b"", b"\x00", b"\xff\xfe\x80", b"\\x41", bytes(range(256)), b"\x00" * 1_000],
    "order": [0, -1, 2**63 - 1, -(2**63), 2**53 + 1],
    "mixed_case": ["", " ", "a,b\n\"'\\", "\x1e\x1f", "नमस्ते 😀", "x" * 1_500],
    "document": ['{"a": [1, null, "é"]}', "null", '""', "1.50"],
    "span": ["-838:59:59", "838:59:59", "00:00:00.001"],
    "tags": ["", "a,é", "b c"],
    "price": [1901, 2155, 0],
    "ratio": [0, 1.5, -3.4e38, 0.1, 40.712345],
    "large": [0, 2**63 - 1],
    "small": [0, 2**31 - 1],
    "whole": ["9999999999999999999999999999.9999999999", "-0.0000000001", "1.1", "7"],
    "half": [0, -1, 2**31 - 1],
}
TIMES = [f"2020-08-31 18:30:00.{at:06}" for at in (0, 1)] + ["2020-09-01 18:29:59.999999"]
BITS = {"is_final": "bit(1)", "small": "bit(8)", "proof": "binary(4)", "order": "year"}


@dataclass(frozen=True)
class Made:
    db: BookingsDb
    port: int
    lake: Lake

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """Lend a cursor of an administrator, who may store any date."""
        login: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": "root"}
        login |= {"database": "rides", "charset": "utf8mb4", "autocommit": True}
        with closing(pymysql.connect(**login)) as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
            yield cursor

    def sql(self, statement: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with self.admin() as cursor:
            cursor.execute(statement, values or None)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def insert(self, table: SourceTable, *rows: Row) -> None:
        statement, values = insert(table, f"`{table.source}`", "`", rows)
        with self.admin() as cursor:
            cursor.executemany(statement, values)

    def run(self, table: SourceTable, day: date = DAY) -> Manifest:
        return import_day(self.db.of(table), day_of(table, self.lake, day), "run").manifest

    def rows(self, table: SourceTable, manifest: Manifest) -> list[Row]:
        return written(day_of(table, self.lake, date.fromisoformat(manifest.day)), manifest)


@pytest.fixture
def made(mariadb: Database, tmp_path: Path) -> Made:
    env = environment.read({"CAB_HOME": str(tmp_path), **mariadb.variables})
    db = Clients(env.but(timezone=ZoneInfo(ZONE))).bookings_db
    return Made(db, mariadb.port, Lake(f"file://{tmp_path}"))


@pytest.fixture
def table(made: Made) -> SourceTable:
    return create(made, TYPES)


def create(made: Made, types: dict[str, str]) -> SourceTable:
    columns = ", ".join(
        f"`{each.source_name.replace('`', '``')}` {types[each.name]}" for each in REFUNDS.columns
    )
    made.sql("DROP TABLE IF EXISTS `Order`")
    made.sql(f"CREATE TABLE `Order` ({columns}) CHARACTER SET utf8mb4")
    return replace(REFUNDS, source="Order")


def sent(made: Made, table: SourceTable) -> list[Row]:
    """Return the rows as a plain driver reads their texts."""
    columns = []
    for each in table.columns:
        name = f"`{each.source_name.replace('`', '``')}`"
        shown = {
            "timestamp": f"convert_tz({name}, '+00:00', '{ZONE}')",
            "binary": f"hex({name})",
            "boolean": f"{name} + 0",
            "double": f"{name} + 0e0",
        }.get(each.type, name)
        columns.append(f"concat('', {shown})")
    return expected(table, made.sql(f"SELECT {', '.join(columns)} FROM `Order`"))


@pytest.mark.parametrize("text", ["utf8mb4", "utf16"])
def test_every_value_of_every_type_is_written_as_it_is(made: Made, text: str) -> None:
    other = {"mixed_case": f"longtext CHARACTER SET {text}"}
    other |= {"state": f"{TYPES['state']} CHARACTER SET {text}"}
    table = create(made, TYPES | other)
    made.insert(table, *refunds(EDGES, TIMES))
    manifest = made.run(table)
    assert alike(made.rows(table, manifest)) == alike(sent(made, table))
    assert arrival(manifest).detail == {"compared": str(ROWS)}
    assert made.run(table).version == manifest.version


def test_decimals_of_28_digits_arrive_as_they_are(made: Made) -> None:
    """ConnectorX reads them as numbers, and longer ones as text."""
    table = create(made, TYPES | {"whole": "decimal(28,10)"})
    columns = [
        each if each.name != "whole" else replace(each, type="decimal(28,10)")
        for each in table.columns
    ]
    table = replace(table, columns=tuple(columns))
    edges = EDGES | {"whole": [f"{'9' * 18}.{'9' * 10}", f"-{'9' * 18}.{'9' * 10}", "0.1"]}
    made.insert(table, *refunds(edges, TIMES))
    assert alike(made.rows(table, made.run(table))) == alike(sent(made, table))


def test_sums_of_the_largest_numbers_equal_those_of_the_source(
    made: Made, table: SourceTable
) -> None:
    made.insert(table, *refunds(EDGES, TIMES))
    totals = ("whole", "order", "amount")
    manifest = made.run(replace(table, totals=totals))
    found = manifest.fingerprint
    (sums,) = made.sql("SELECT sum(whole), sum(`order`), sum(amount) FROM `Order`")
    assert manifest.passed, manifest.findings
    assert found
    assert {name: Decimal(str(value)) for name, value in found.totals.items()} == dict(
        zip(totals, sums, strict=True)
    )


def test_bytes_that_outgrow_a_packet_as_digits_end_the_day(made: Made, table: SourceTable) -> None:
    usual = dict.fromkeys(REFUNDS.names) | refunds(EDGES, TIMES)[1]
    made.insert(table, usual | {"proof": b"x" * 12_000})
    made.sql("SET GLOBAL max_allowed_packet = 16384")
    try:
        with pytest.raises(SourceUnreadable, match="more than half of max_allowed_packet"):
            made.run(table)
    finally:
        made.sql("SET GLOBAL max_allowed_packet = 16777216")


def test_rows_and_totals_of_one_statement_are_alike(made: Made, table: SourceTable) -> None:
    made.insert(table, *refunds(EDGES, TIMES))
    with made.db.of(table).day(DAY) as day:
        read = [row for each in day.in_one_statement() for row in each.rows.to_pylist()]
    assert alike(read) == alike(sent(made, table))


def test_bits_fixed_bytes_and_years_arrive_as_they_are(made: Made) -> None:
    table = create(made, TYPES | BITS)
    usual = dict.fromkeys(REFUNDS.names) | refunds(EDGES, TIMES)[1]
    odd = {"is_final": 1, "small": 255, "proof": b"\xff\x00", "order": 2155}
    made.insert(table, usual | odd)
    (row,) = made.rows(table, made.run(table))
    assert {name: row[name] for name in odd} == odd | {
        "is_final": True,
        "proof": b"\xff\x00\x00\x00",
    }


CHANGES = [
    ("amount", "1.5", "1.5001"),
    ("state", "paid", None),
    ("is_final", 1, 0),
    ("due", "2020-01-01", "2020-01-02"),
    ("proof", b"a", b"b"),
    ("order", 1, 2),
    ("mixed_case", "a", "A"),
    ("document", '{"a": 1}', '{"a": 2}'),
    ("span", "00:00:00", "00:00:00.001"),
    ("tags", "a", "a,b c"),
    ("price", 2000, 2001),
    ("ratio", 40.712341, 40.712345),
    ("large", 1, 2**63),
    ("half", -1, 1),
]


def test_one_change_of_each_column_is_noticed(made: Made, table: SourceTable) -> None:
    usual = dict.fromkeys(REFUNDS.names) | refunds(EDGES, TIMES)[1]
    made.insert(table, usual)
    db, unnoticed = made.db.of(table), []
    for name, before, after in CHANGES:
        column = table.column(name).source_name.replace("`", "``").replace("%", "%%")
        seen = []
        for value in (before, after):
            made.sql(f"UPDATE `Order` SET `{column}` = %s", value)
            found = db.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)
            seen.append(found[str(DAY)])
        if not seen[0].differs_from(seen[1]):
            unnoticed.append(name)
    assert unnoticed == []


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("is_final", 2, "2, which does not fit boolean"),
        ("whole", "10000000000000000000000000000", ", which does not fit decimal(38,10)"),
        ("whole", "1.00000000005", "1.00000000005000000000, which does not fit decimal(38,10)"),
        ("large", 2**63, "9223372036854775808, which does not fit bigint"),
        ("small", 2**31, "2147483648, which does not fit int"),
    ],
)
def test_a_value_that_does_not_fit_ends_the_day_by_column_key_and_value(
    made: Made, table: SourceTable, name: str, value: Any, shown: str
) -> None:
    made.insert(table, *refunds(EDGES, TIMES))
    made.sql(
        f"UPDATE `Order` SET `{name}` = %s WHERE refund_id = %s AND `Line No.` = 1",
        value,
        UUIDS[3],
    )
    with pytest.raises(SourceUnreadable) as failed:
        made.run(table)
    said = str(failed.value)
    assert f"{name} of the refund {UUIDS[3]}, 1 is " in said
    assert shown in said


@pytest.mark.parametrize("due", ["0000-00-00", "2020-02-00", "2020-00-15", "2020-02-31"])
def test_a_date_that_no_calendar_has_is_null_and_counted(
    made: Made, table: SourceTable, due: str
) -> None:
    usual = dict.fromkeys(REFUNDS.names) | refunds(EDGES, TIMES)[1]
    made.insert(table, usual | {"due": due})
    manifest = made.run(table)
    assert [row["due"] for row in made.rows(table, manifest)] == [None]
    (found,) = (each for each in manifest.findings if each.check == "schema_as_expected")
    assert found.detail["invalid times set to NULL"] == "1"


KEYS = ["amount", "is_final", "due", "proof", "order", "refunded_at", "ratio", "tags", "large"]


def test_a_key_may_have_columns_of_any_type(made: Made, table: SourceTable) -> None:
    rows = [row for row in refunds(EDGES, TIMES) if all(row[name] is not None for name in KEYS)]
    made.insert(table, *rows)
    manifest = made.run(keyed(table, *KEYS, "refund_id"))
    assert manifest.passed, manifest.findings
    assert arrival(manifest).detail == {"compared": str(len(rows))}


def visit(day: str, guest: str | None = "é", count: int = 1) -> Row:
    return {"day": day, "guest": guest, "count": count}


@pytest.fixture
def visits(made: Made) -> SourceTable:
    made.sql("DROP TABLE IF EXISTS `Visits of Guests`")
    made.sql("CREATE TABLE `Visits of Guests` (`day` date, guest varchar(9), `Count` bigint)")
    return replace(VISITS, source="Visits of Guests")


def test_a_day_of_dates_without_a_key_is_imported(made: Made, visits: SourceTable) -> None:
    there = [visit(str(DAY)), visit(str(DAY)), visit(str(DAY), None, 2)]
    others = ["2020-08-31", "2020-09-02", "2020-09-00", "0000-00-00", "2099-01-01"]
    made.insert(visits, *there, *map(visit, others))
    manifest = made.run(visits)
    assert alike(made.rows(visits, manifest)) == alike(row | {"day": DAY} for row in there)
    assert arrival(manifest).detail == {"compared": "0, because the table has no key"}
    db = made.db.of(visits)
    days = db.fingerprints(date(2020, 8, 1), date(2020, 10, 1), hashed=True, seconds=60)
    assert {day: found.rows for day, found in days.items()} == {
        "2020-08-31": 1,
        str(DAY): 3,
        "2020-09-02": 1,
    }
    assert db.rows_without_a_day(date(2020, 8, 1), seconds=60) == 3


def test_a_value_without_a_key_is_named_by_its_day(made: Made, visits: SourceTable) -> None:
    made.insert(visits, visit(str(DAY), count=2**31))
    with pytest.raises(SourceUnreadable, match="count of a visit at 2020-09-01 is 2147483648"):
        made.run(visits)
