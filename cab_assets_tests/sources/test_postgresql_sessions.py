"""What a role, a database or a pool has set changes nothing that is read."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from cab_assets.environment import Environment
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

HOSTILE = {
    "client_encoding": "LATIN1",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kolkata",
    "timezone_abbreviations": "India",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "transform_null_equals": "on",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "on",
    "debug_parallel_query": "on",
    "parallel_setup_cost": "0",
    "statement_timeout": "5min",
    "xmloption": "document",
}
NAMES = {  # built-ins that a schema of the role's own has too
    "FUNCTION sum(numeric)": (
        "CREATE AGGREGATE {role}.sum(numeric) (SFUNC = numeric_larger, STYPE = numeric)"
    ),
    "FUNCTION isfinite(timestamp)": (
        "CREATE FUNCTION {role}.isfinite(timestamp) RETURNS boolean LANGUAGE sql AS 'SELECT false'"
    ),
    "FUNCTION int8send(bigint)": (
        "CREATE FUNCTION {role}.int8send(bigint) RETURNS bytea LANGUAGE sql AS $$SELECT"
        " '\\x00'::bytea$$"
    ),
    "FUNCTION hashint8extended(bigint, int)": (
        "CREATE FUNCTION {role}.hashint8extended(bigint, int) RETURNS bigint LANGUAGE sql AS"
        " 'SELECT 7::bigint'"
    ),
    "FUNCTION hashtextextended(varchar, bigint)": (
        "CREATE FUNCTION {role}.hashtextextended(varchar, bigint) RETURNS bigint LANGUAGE sql AS"
        " 'SELECT 7::bigint'"
    ),
    "TYPE text": "CREATE DOMAIN {role}.text AS varchar(3)",
}


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(
            ride(
                "BK1",
                f"{DAY} 00:00:00",
                cab_color="crème Ã© नमस्ते 🚕",
                pickup_lat=0.1 + 0.2,
                trip_fare="9999999999.99",
            ),
            ride(
                "BK2",
                f"{DAY} 12:34:56.123456",
                cab_color=None,
                drop_lat=5e-324,
                drop_timestamp="infinity",
            ),
            ride(
                "BK3", f"{DAY} 23:59:59.999999", cab_color="", customer_id=-(2**63), tip_amount=None
            ),
        )
        yield made


@pytest.fixture(params=["packed", "one by one"])
def reader(table: Source, request: pytest.FixtureRequest) -> Source:
    """The way that rows take: without the index, another one."""
    if request.param != "packed":
        table.sql("DROP INDEX {table}_pickup_timestamp")
    return table


def observed(found: Source) -> object:
    days = found.reader.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)
    return days, found.reader.rows_without_a_day(DAY, seconds=60)


def test_no_setting_of_a_role_changes_a_row_or_a_figure(reader: Source) -> None:
    expected, figures = rows(reader.reader), observed(reader)
    for name, value in HOSTILE.items():
        reader.sql(f"ALTER ROLE {{role}} SET {name} = '{value}'")
    assert rows(reader.reader).equals(expected)
    assert observed(reader) == figures
    assert expected.num_rows == 3


def test_no_name_in_a_roles_own_schema_stands_for_a_built_in(reader: Source) -> None:
    expected, figures = rows(reader.reader), observed(reader)
    reader.sql("CREATE SCHEMA {role} AUTHORIZATION {role}")
    for statement in NAMES.values():
        reader.sql(statement)
    reader.sql("ALTER ROLE {role} SET search_path = {role}, pg_catalog, public")
    assert rows(reader.reader).equals(expected)
    assert observed(reader) == figures


def test_the_roles_search_path_says_which_table_is_meant(table: Source) -> None:
    table.sql("CREATE SCHEMA {role} AUTHORIZATION {role}")
    table.sql("CREATE TABLE {role}.{table} AS SELECT * FROM public.{table} LIMIT 1")
    table.sql("GRANT SELECT ON {role}.{table} TO {role}")
    table.sql("ALTER ROLE {role} SET search_path = {role}, public")
    assert rows(table.reader).num_rows == 1


def test_a_session_of_ours_is_left_as_it_was_found(table: Source) -> None:
    with table.reader.cursor() as cursor:
        asked = (
            "SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'transaction%' ORDER BY 1"
        )
        before = cursor.execute(asked).fetchall()
        table.reader.dialect.begin(cursor, table.table)
        table.reader.dialect.limit(cursor, 60)
        assert cursor.execute(asked).fetchall() != before
        cursor.execute("COMMIT")
        assert cursor.execute(asked).fetchall() == before


@pytest.mark.parametrize("policy", [None, "USING (booking_id = 'BK1')"])
def test_row_level_security_is_named_and_hides_no_row(reader: Source, policy: str | None) -> None:
    reader.sql("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    if policy:
        reader.sql(f"CREATE POLICY one ON {{table}} {policy}")
    for ask in (lambda: rows(reader.reader), lambda: observed(reader), reader.reader.reach):
        with pytest.raises(BookingsDbRefused, match=r"row-level security policy.*BYPASSRLS.*view"):
            ask()
    reader.sql("ALTER ROLE {role} BYPASSRLS")
    assert rows(reader.reader).num_rows == 3


def test_a_view_of_the_tables_owner_is_read_in_spite_of_row_level_security(table: Source) -> None:
    table.sql("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    table.sql("CREATE VIEW {role}_all AS SELECT * FROM {table}")
    table.sql("GRANT SELECT ON {role}_all TO {role}")
    seen = type(table.reader)(table.reader.dialect, f"{table.role}_all")
    assert rows(seen).num_rows == 3


@pytest.mark.parametrize("setting", ["session_preload_libraries", "local_preload_libraries"])
def test_a_library_that_the_server_lacks_is_named_and_not_waited_for(
    table: Source, setting: str
) -> None:
    table.sql(f"ALTER ROLE {{role}} SET {setting} = 'absent'")
    with pytest.raises(BookingsDbRefused, match=r'could not access file "\S*absent".*ALTER ROLE'):
        table.reader.reach()


def test_a_search_path_that_another_program_left_on_a_pools_connection_is_not_used(
    table: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.sql("CREATE SCHEMA {role}_other AUTHORIZATION {role}")
    table.sql("CREATE TABLE {role}_other.{table} AS SELECT * FROM public.{table} LIMIT 1")
    table.sql("GRANT SELECT ON {role}_other.{table} TO {role}")
    connect = PostgreSQL.connect

    def left(dialect: PostgreSQL) -> Any:
        connection = connect(dialect)
        connection.execute(f"SET search_path = {table.role}_other, public")
        return connection

    monkeypatch.setattr(PostgreSQL, "connect", left)
    assert rows(table.reader).num_rows == 3
