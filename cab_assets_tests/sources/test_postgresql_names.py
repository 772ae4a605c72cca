"""Columns and tables of the source that are named like a name of the pipeline's own SQL."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cab_assets.environment import Environment
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

NAMES = [
    "edge",
    "edges",
    "span",
    "packed",
    "number",
    "first",
    "last",
    "ride",
    "row_hash",
    "text_bytes",
]


@pytest.fixture
def table(stack: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setattr("cab_assets.sources.postgresql_windows.WINDOW_ROWS", 2)
    with source(stack) as made:
        made.insert(*(ride(f"BK{hour}", f"{DAY} {hour:02}:00:00") for hour in range(10)))
        yield made


@pytest.mark.parametrize(
    "kind", ["int DEFAULT 3", f"timestamp DEFAULT '{DAY} 05:00'", "point DEFAULT '(1,2)'"]
)
def test_columns_of_any_name_beside_the_imported_ones_change_nothing(
    table: Source, kind: str
) -> None:
    table.sql("ALTER TABLE {table} " + ", ".join(f"ADD {name} {kind}" for name in NAMES))
    with table.reader.day(DAY) as day, day.cursors.lend() as cursor:
        windows = day.source.dialect.windows(cursor, day.source, day.start, day.end)
        assert len(windows) == 5
    assert rows(table.reader).num_rows == 10


def test_a_table_may_have_any_name(table: Source) -> None:
    read = {}
    table.sql("CREATE SCHEMA {role}_names; GRANT USAGE ON SCHEMA {role}_names TO {role}")
    table.sql("ALTER ROLE {role} SET search_path = {role}_names")
    for name in NAMES:
        table.sql(f"CREATE TABLE {{role}}_names.{name} (LIKE {{table}} INCLUDING ALL)")
        table.sql(f"INSERT INTO {{role}}_names.{name} SELECT * FROM {{table}}")
        table.sql(f"GRANT SELECT ON {{role}}_names.{name} TO {{role}}")
        read[name] = rows(replace(table.reader, table=name)).num_rows
    table.sql("DROP SCHEMA {role}_names CASCADE")
    assert read == dict.fromkeys(NAMES, 10)
