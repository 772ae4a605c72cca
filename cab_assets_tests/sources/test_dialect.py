from datetime import datetime

import pytest

from cab_assets.clients.password import given
from cab_assets.schemas import BOOKINGS, Column
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL

POSTGRESQL = PostgreSQL("postgresql://cab@db:5432/rides", given("p w+%"), "Asia/Kolkata")
MYSQL = MySQL("mysql://cab@db:3306/rides", given("p w+%"), "Asia/Kolkata")
COLUMNS = {column.name: column for column in BOOKINGS.columns}
TEXT, BIG, INT, DOUBLE, TIME, MONEY = (
    COLUMNS[name]
    for name in (
        "cab_color",
        "customer_id",
        "passenger_count",
        "pickup_lat",
        "pickup_timestamp",
        "trip_fare",
    )
)
REAL = "from_days(to_days(pickup_timestamp)) = date(pickup_timestamp)"
MIDNIGHT = datetime(2020, 3, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("dialect", "column", "fits", "does_not"),
    [
        (
            POSTGRESQL,
            TEXT,
            ["text", "character varying", "character varying(40)", "character(3)"],
            ["bytea", "uuid", "jsonb", "integer"],
        ),
        (
            POSTGRESQL,
            BIG,
            ["bigint", "integer", "smallint"],
            ["numeric(20,0)", "text", "double precision"],
        ),
        (POSTGRESQL, INT, ["integer", "smallint"], ["bigint", "numeric(5,0)"]),
        (
            POSTGRESQL,
            DOUBLE,
            ["double precision", "real", "numeric(10,7)", "numeric"],
            ["text", "integer"],
        ),
        (
            POSTGRESQL,
            TIME,
            [
                "timestamp without time zone",
                "timestamp(0) with time zone",
                "timestamp with time zone",
            ],
            ["date", "text", "time"],
        ),
        (
            POSTGRESQL,
            MONEY,
            ["numeric(12,2)", "numeric(10,0)", "numeric(5,1)"],
            ["numeric", "numeric(13,2)", "numeric(12,3)", "double precision", "money"],
        ),
        (
            MYSQL,
            TEXT,
            ["varchar(40)", "char(3)", "text", "longtext"],
            ["blob", "json", "varbinary(40)", "int"],
        ),
        (
            MYSQL,
            BIG,
            ["bigint", "bigint(20)", "int unsigned", "int(10) unsigned"],
            ["bigint unsigned", "decimal(20,0)"],
        ),
        (
            MYSQL,
            INT,
            ["int", "int(11)", "smallint unsigned", "tinyint(1)"],
            ["int unsigned", "bigint"],
        ),
        (MYSQL, DOUBLE, ["double", "float", "decimal(10,7)"], ["varchar(10)", "int"]),
        (
            MYSQL,
            TIME,
            ["datetime", "datetime(6)", "timestamp", "timestamp(3)"],
            ["date", "time", "varchar(30)"],
        ),
        (
            MYSQL,
            MONEY,
            ["decimal(12,2)", "decimal(10,0)"],
            ["decimal(13,2)", "decimal(12,3)", "decimal(12,2) unsigned", "double"],
        ),
    ],
)
def test_a_type_is_taken_when_all_its_values_fit(
    dialect: Dialect, column: Column, fits: list[str], does_not: list[str]
) -> None:
    assert {source: dialect.accepts(column, source) for source in fits + does_not} == dict.fromkeys(
        fits, True
    ) | dict.fromkeys(does_not, False)


@pytest.mark.parametrize(
    ("dialect", "column", "source", "expression"),
    [
        (POSTGRESQL, TEXT, "character varying(40)", "cab_color"),
        (POSTGRESQL, TEXT, "character(40)", "cab_color::text"),
        (POSTGRESQL, DOUBLE, "numeric(10,7)", "pickup_lat::double precision"),
        (
            POSTGRESQL,
            TIME,
            "timestamp without time zone",
            (
                "CASE WHEN pickup_timestamp >= timestamp '0001-01-01' AND pickup_timestamp <"
                " timestamp '10000-01-01' THEN pickup_timestamp END"
            ),
        ),
        (
            POSTGRESQL,
            TIME,
            "timestamp with time zone",
            (
                "CASE WHEN pickup_timestamp >= (timestamp '0001-01-01' AT TIME ZONE 'Asia/Kolkata')"
                " AND pickup_timestamp < (timestamp '10000-01-01' AT TIME ZONE 'Asia/Kolkata') THEN"
                " (pickup_timestamp AT TIME ZONE 'Asia/Kolkata') END"
            ),
        ),
        (MYSQL, TEXT, "varchar(40)", "cab_color"),
        (MYSQL, DOUBLE, "decimal(10,7)", "pickup_lat + 0e0"),
        (MYSQL, TIME, "datetime(6)", f"CASE WHEN {REAL} THEN pickup_timestamp END"),
        (
            MYSQL,
            TIME,
            "timestamp(6)",
            f"convert_tz(CASE WHEN {REAL} THEN pickup_timestamp END, '+00:00', 'Asia/Kolkata')",
        ),
    ],
)
def test_a_value_is_asked_for_as_it_is_stored(
    dialect: Dialect, column: Column, source: str, expression: str
) -> None:
    assert dialect.value(column, source) == expression


@pytest.mark.parametrize(
    ("dialect", "source", "bound"),
    [
        (POSTGRESQL, "timestamp without time zone", "timestamp '2020-03-01 00:00:00.000000'"),
        (POSTGRESQL, "timestamp with time zone", "timestamptz '2020-02-29 18:30:00.000000+00'"),
        (MYSQL, "datetime", "'2020-03-01 00:00:00.000000'"),
        (MYSQL, "timestamp", "'2020-02-29 18:30:00.000000'"),
    ],
)
def test_a_bound_is_a_constant_so_that_an_index_serves(
    dialect: Dialect, source: str, bound: str
) -> None:
    assert dialect.bound(MIDNIGHT, source) == bound
    within = f"pickup_timestamp >= {bound} AND pickup_timestamp < {bound}"
    assert dialect.between("pickup_timestamp", source, MIDNIGHT, MIDNIGHT) == (
        within if dialect is POSTGRESQL else f"{within} AND {REAL}"
    )


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL])
def test_the_password_is_only_in_the_url_and_there_quoted(dialect: Dialect) -> None:
    assert dialect.url.partition("?")[0] == dialect.address.replace("cab@", "cab:p%20w%2B%25@")
    assert "p w+%" not in repr(dialect)
    shown = dialect.redacted(f"cannot use {dialect.url} with 'p w+%'")
    assert shown == f"cannot use {dialect.url.replace('p%20w%2B%25', '…')} with '…'"


def test_a_text_is_hashed_as_it_is_unless_its_character_set_is_named() -> None:
    usual = MYSQL.row_hash({"cab_color": "varchar(9)", "pickup_lat": "float"}, ())
    values = "quote(cab_color), ',', quote((pickup_lat + 0e0))"
    digests = "quote(md5(cab_color)), ',', quote(md5((pickup_lat + 0e0)))"
    hashed = f"coalesce(md5(concat({values})), md5(concat({digests})))"
    assert usual == f"cast(conv(left({hashed}, 15), 16, 10) AS signed)"
    mixed = MYSQL.row_hash(
        {"cab_color": "varchar(9) character set utf16", "pickup_lat": "float"}, ()
    )
    assert mixed == usual.replace("cab_color", "convert(cab_color USING utf8mb4)")
    assert MYSQL.accepts(TEXT, "varchar(9) character set utf16")
