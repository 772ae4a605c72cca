"""A declaration as text, and the two files that change when it is written."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import types
from sqlalchemy.dialects import mysql, postgresql

from cab_assets.declarations import TABLES, SourceTable
from cab_assets.declare.catalog import NothingToDeclare, SourceColumn, SourceRelation
from cab_assets.declare.place import NoPlace, Place, with_table
from cab_assets.declare.text import Wanted, declaration
from cab_assets.declare.types import hive_type


def column(name: str, kind: Any, comment: str = "") -> SourceColumn:
    return SourceColumn(name, kind, comment, is_nullable=True)


REFUNDS = SourceRelation(
    "sales.Refunds",
    "",
    (
        column("booking_id", types.Text(), 'the "ride"'),
        column("Refund No", types.BigInteger(), "counts the refunds of a ride, " * 9),
        column("amount", types.Numeric(10, 4)),
        column("created_at", types.TIMESTAMP()),
        column("order", types.Integer()),
    ),
    ("booking_id", "Refund No"),
    frozenset({"booking_id"}),
)


def made(text: str) -> SourceTable:
    """What the text declares."""
    names: dict[str, Any] = {}
    exec(text, names)
    (found,) = (each for each in names.values() if isinstance(each, SourceTable))
    return found


def test_a_declaration_is_what_the_catalog_says_and_what_ruff_wants(tmp_path: Path) -> None:
    declared = declaration(REFUNDS, Wanted())
    table = made(declared.text())
    assert (table.name, table.source, table.partition_column) == (
        "refunds",
        "sales.Refunds",
        "created_date",
    )
    assert table.key == ("booking_id", "refund_no")
    assert table.totals == ("amount",)
    assert table.names == ["booking_id", "refund_no", "amount", "created_at", "order"]
    file = tmp_path / "refunds.py"
    file.write_text(declared.text())
    root = Path(__file__).resolve().parents[2]
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "--config", str(root / "pyproject.toml")]
        ran = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("kind", "hive"),
    [
        (types.SmallInteger(), "int"),
        (types.Integer(), "int"),
        (types.BigInteger(), "bigint"),
        (mysql.INTEGER(unsigned=True), "bigint"),
        (mysql.SMALLINT(unsigned=True), "int"),
        (mysql.TINYINT(display_width=1), "boolean"),
        (mysql.BIT(1), "boolean"),
        (types.Boolean(), "boolean"),
        (types.Numeric(12, 2), "decimal(12,2)"),
        (types.Numeric(8), "decimal(8,0)"),
        (types.Numeric(), "decimal(38,9)"),
        (postgresql.DOUBLE_PRECISION(), "double"),
        (postgresql.REAL(), "double"),
        (mysql.FLOAT(), "double"),
        (postgresql.TIMESTAMP(timezone=True), "timestamp"),
        (mysql.DATETIME(fsp=6), "timestamp"),
        (types.Date(), "date"),
        (postgresql.BYTEA(), "binary"),
        (mysql.VARBINARY(16), "binary"),
        (postgresql.UUID(), "string"),
        (postgresql.JSONB(), "string"),
        (postgresql.INTERVAL(), "string"),
        (postgresql.MONEY(), "string"),
        (postgresql.ARRAY(types.Integer()), "string"),
        (mysql.ENUM("a", "b"), "string"),
        (types.Time(), "string"),
        (mysql.YEAR(), "string"),
        (types.NullType(), "string"),
        (postgresql.DOMAIN("positive", types.Integer()), "int"),
    ],
    ids=repr,
)
def test_each_type_has_a_type_in_hive(kind: Any, hive: str) -> None:
    assert hive_type(kind) == hive


def test_the_user_decides_where_the_catalog_leaves_a_choice() -> None:
    two = SourceRelation(
        "shifts",
        "",
        (column("began_at", types.DateTime()), column("ended_at", types.DateTime())),
        (),
        frozenset(),
    )
    with pytest.raises(NothingToDeclare, match=r"choose with --day .*\(began_at, ended_at\)"):
        declaration(two, Wanted())
    with pytest.raises(NothingToDeclare, match="has no column paid_at"):
        declaration(two, Wanted(day="paid_at"))
    text = declaration(two, Wanted(day="began_at", name="work", partition="day")).text()
    assert "# No key: duplicate rows are not detected" in text
    table = made(text)
    assert (table.name, table.day, table.partition_column, table.key) == (
        "work",
        "began_at",
        "day",
        (),
    )
    assert made(declaration(two, Wanted(day="began_at", key=("ended_at",))).text()).key == (
        "ended_at",
    )
    none = SourceRelation("colors", "", (column("name", types.Text()),), (), frozenset())
    with pytest.raises(NothingToDeclare, match="no date or timestamp"):
        declaration(none, Wanted())


def test_a_table_is_listed_once_and_its_module_replaced(tmp_path: Path) -> None:
    index = (TABLES / "__init__.py").read_text()
    (tmp_path / "__init__.py").write_text(index)
    place, declared = Place(tmp_path), declaration(REFUNDS, Wanted())
    for _ in range(2):
        place.write(declared)
    listed = (tmp_path / "__init__.py").read_text()
    assert listed.count("import REFUNDS") == 1
    assert listed.count("    REFUNDS,\n") == 1
    assert place.difference(declared) == ""
    assert "-    partition_column" in place.difference(
        declaration(REFUNDS, Wanted(partition="day"))
    )
    compile(listed, "tables", "exec")
    with pytest.raises(NoPlace, match="add refunds"):
        with_table("TABLES = ()\n", declared)
