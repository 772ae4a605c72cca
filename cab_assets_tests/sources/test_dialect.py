from datetime import datetime

import pytest

from cab_assets.clients.password import given
from cab_assets.declarations import Column
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets.tables.bookings import BOOKINGS

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
REAL = "from_days(to_days(`pickup_timestamp`)) = date(`pickup_timestamp`)"
MIDNIGHT = datetime(2020, 3, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("dialect", "column", "fits", "does_not"),
    [
        (
            POSTGRESQL,
            TEXT,
            ["text", "character varying(40)", "character(3)", "bytea", "uuid", "jsonb", "integer"],
            [],
        ),
        (
            POSTGRESQL,
            BIG,
            ["bigint", "integer", "smallint", "numeric(20,0)", "numeric"],
            ["text", "double precision", "money", "boolean"],
        ),
        (POSTGRESQL, INT, ["integer", "smallint", "bigint", "numeric(5,0)"], ["text", "real"]),
        (
            POSTGRESQL,
            DOUBLE,
            ["double precision", "real", "numeric(10,7)", "numeric", "integer"],
            ["text", "money"],
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
            ["numeric(12,2)", "numeric(10,0)", "numeric(5,-1)", "numeric", "bigint"],
            ["double precision", "money"],
        ),
        (
            MYSQL,
            TEXT,
            ["varchar(40)", "char(3)", "text", "longtext", "json", "int", "enum('binary(1)')"],
            ["blob", "varbinary(40)", "bit(1)", "point"],
        ),
        (
            MYSQL,
            BIG,
            ["bigint", "bigint(20) unsigned zerofill", "decimal(20,0)", "bit(8)", "year(4)"],
            ["double", "varchar(20)"],
        ),
        (
            MYSQL,
            INT,
            ["int", "int(11)", "smallint unsigned", "tinyint(1)", "int unsigned", "bigint"],
            ["float", "text"],
        ),
        (MYSQL, DOUBLE, ["double", "float", "decimal(10,7)", "int"], ["varchar(10)"]),
        (
            MYSQL,
            TIME,
            ["datetime", "datetime(6)", "timestamp", "timestamp(3)"],
            ["date", "time", "varchar(30)"],
        ),
        (
            MYSQL,
            MONEY,
            ["decimal(12,2)", "decimal(10,0)", "decimal(13,2)", "decimal(12,2) unsigned", "int"],
            ["double", "float"],
        ),
    ],
)
def test_a_type_is_taken_when_its_values_can_fit(
    dialect: Dialect, column: Column, fits: list[str], does_not: list[str]
) -> None:
    assert {
        source: dialect.types.accepts(column, source) for source in fits + does_not
    } == dict.fromkeys(fits, True) | dict.fromkeys(does_not, False)


@pytest.mark.parametrize(
    ("dialect", "column", "source", "expression"),
    [
        (POSTGRESQL, TEXT, "character varying(40)", '"cab_color"'),
        (POSTGRESQL, TEXT, "character(40)", '"cab_color"::text'),
        (POSTGRESQL, DOUBLE, "numeric(10,7)", '"pickup_lat"::double precision'),
        (
            POSTGRESQL,
            TIME,
            "timestamp without time zone",
            (
                'CASE WHEN "pickup_timestamp" >= timestamp \'0001-01-01\' AND "pickup_timestamp" <'
                " timestamp '10000-01-01' THEN \"pickup_timestamp\" END"
            ),
        ),
        (
            POSTGRESQL,
            TIME,
            "timestamp with time zone",
            (
                "CASE WHEN \"pickup_timestamp\" >= (timestamp '0001-01-01' AT TIME ZONE"
                " 'Asia/Kolkata') AND \"pickup_timestamp\" < (timestamp '10000-01-01' AT TIME ZONE"
                " 'Asia/Kolkata') THEN (\"pickup_timestamp\" AT TIME ZONE 'Asia/Kolkata') END"
            ),
        ),
        (MYSQL, TEXT, "varchar(40)", "`cab_color`"),
        (MYSQL, DOUBLE, "decimal(10,7)", "`pickup_lat` + 0e0"),
        (MYSQL, TIME, "datetime(6)", f"CASE WHEN {REAL} THEN `pickup_timestamp` END"),
        (
            MYSQL,
            TIME,
            "timestamp(6)",
            f"convert_tz(CASE WHEN {REAL} THEN `pickup_timestamp` END, '+00:00', 'Asia/Kolkata')",
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
    name = dialect.quoted("pickup_timestamp")
    within = f"{name} >= {bound} AND {name} < {bound}"
    assert dialect.between(name, source, MIDNIGHT, MIDNIGHT) == (
        within if dialect is POSTGRESQL else f"{within} AND {REAL}"
    )


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL])
def test_the_password_is_only_in_the_url_and_there_quoted(dialect: Dialect) -> None:
    assert dialect.url.partition("?")[0] == dialect.address.replace("cab@", "cab:p%20w%2B%25@")
    assert "p w+%" not in repr(dialect)
    shown = dialect.redacted(f"cannot use {dialect.url} with 'p w+%'")
    assert shown == f"cannot use {dialect.url.replace('p%20w%2B%25', '…')} with '…'"


def test_a_text_is_hashed_as_it_is_unless_its_character_set_is_named() -> None:
    usual = MYSQL.row_hash([(TEXT, "varchar(9)"), (DOUBLE, "float")])
    values = "quote(`cab_color`), ',', quote((`pickup_lat` + 0e0))"
    digests = "quote(md5(`cab_color`)), ',', quote(md5((`pickup_lat` + 0e0)))"
    hashed = f"coalesce(md5(concat({values})), md5(concat({digests})))"
    assert usual == f"cast(conv(left({hashed}, 15), 16, 10) AS signed)"
    mixed = MYSQL.row_hash([(TEXT, "varchar(9) character set utf16"), (DOUBLE, "float")])
    assert mixed == usual.replace("`cab_color`", "convert(`cab_color` USING utf8mb4)")
    assert MYSQL.types.accepts(TEXT, "varchar(9) character set utf16")


@pytest.mark.parametrize(
    ("dialect", "column", "arrives", "as_text"),
    [
        (POSTGRESQL, BIG, ["bigint", "smallint"], ["numeric(5,0)", "numeric"]),
        (POSTGRESQL, INT, ["integer"], ["bigint"]),
        (POSTGRESQL, MONEY, ["numeric(12,2)", "numeric(5,-3)"], ["numeric(12,3)", "numeric"]),
        (POSTGRESQL, MONEY, ["numeric(10,0)"], ["numeric(11,0)", "integer"]),
        (MYSQL, BIG, ["bigint(20)", "int(10) unsigned"], ["bigint unsigned", "year(4)", "bit(1)"]),
        (MYSQL, INT, ["tinyint(1)", "smallint unsigned"], ["int unsigned", "bigint"]),
        (MYSQL, MONEY, ["decimal(12,2)"], ["decimal(13,2)", "decimal(12,3)", "int"]),
    ],
)
def test_a_value_that_may_not_fit_arrives_as_text(
    dialect: Dialect, column: Column, arrives: list[str], as_text: list[str]
) -> None:
    found = {each: dialect.types.arrives_as(column, each) for each in arrives + as_text}
    assert found == dict.fromkeys(arrives, column.type) | dict.fromkeys(as_text, "string")


def test_a_name_is_quoted_whatever_it_holds() -> None:
    assert POSTGRESQL.quoted('Mixed "Case" `%') == '"Mixed ""Case"" `%"'
    assert MYSQL.quoted('Mixed "Case" `%') == '`Mixed "Case" ``%`'
    assert (POSTGRESQL.table("sales.Order"), MYSQL.table("order")) == ('"sales"."Order"', "`order`")
