"""A number that does not fit its column ends the day by column, key and value."""

from collections.abc import Iterator

import pytest

from cab_assets.environment import Environment
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.sources.unfit import fits
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

AT = f"{DAY} 10:00:00"
ways = pytest.mark.parametrize("indexed", [True, False], ids=["packed", "one by one"])


@pytest.mark.parametrize(
    ("name", "number", "whether"),
    [
        ("trip_fare", "9999999999.99", True),
        ("trip_fare", "1.10000", True),
        ("trip_fare", "12345678901.00", False),
        ("trip_fare", "1.005", False),
        ("trip_fare", "NaN", False),
        ("trip_fare", "-Infinity", False),
        ("pickup_lat", "1.7976931348623157e308", True),
        ("pickup_lat", "1e309", False),
        ("pickup_lat", "1e-400", False),
        ("pickup_lat", "0", True),
        ("pickup_lat", "0.1", True),
        ("pickup_lat", "NaN", True),
        ("pickup_lat", "-Infinity", True),
    ],
)
def test_which_numbers_fit(name: str, number: str, whether: bool) -> None:
    assert fits(BOOKINGS.column(name), number) is whether


@pytest.fixture
def table(stack: Environment, indexed: bool) -> Iterator[Source]:
    with source(stack) as made:
        made.sql("ALTER TABLE {table} ALTER pickup_lat TYPE numeric")
        made.insert(*(ride(f"BK{number}", AT) for number in range(9)))
        if not indexed:
            made.sql("DROP INDEX {table}_pickup_timestamp")
        yield made


def said(table: Source) -> str:
    with pytest.raises(SourceUnreadable) as failed:
        rows(table.reader)
    return str(failed.value)


@ways
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("trip_fare", "NaN", "NaN, which does not fit decimal(12,2)"),
        ("pickup_lat", "1e309", f"1{'0' * 39}… (310 characters), which does not fit double"),
        ("pickup_lat", "-1e-400", f"-0.{'0' * 37}… (403 characters), which does not fit double"),
    ],
)
def test_a_number_that_does_not_fit_is_named(
    table: Source, name: str, value: str, shown: str
) -> None:
    table.sql(f"UPDATE {{table}} SET {name} = %s WHERE booking_id = 'BK7'", value)
    assert f"{name} of the booking BK7 is {shown}. Fix it in the source" in said(table)


@ways
def test_the_first_of_many_are_named_and_the_others_counted(table: Source) -> None:
    table.sql("UPDATE {table} SET tip_amount = 'NaN', pickup_lat = 'NaN', pickup_lon = 'Infinity'")
    told = said(table)
    assert told.count("tip_amount of the booking") == 3
    assert "; and 6 more values. Fix it in the source, then run the day again" in told
    assert "pickup" not in told.replace("pickup_timestamp", "")
