"""Changes of values that PostgreSQL's hash functions do not tell apart."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cab_assets.environment import Environment
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source

AT = f"{DAY} 10:00:00"
NULL = {"cab_color": None}


@pytest.fixture(scope="module")
def made(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        yield made


@pytest.fixture
def table(made: Source) -> Source:
    made.sql("TRUNCATE {table}")
    return made


def seen(table: Source) -> Fingerprint:
    return table.reader.fingerprints(DAY, DAY.replace(day=2), hashed=True, seconds=10)[str(DAY)]


@pytest.mark.parametrize("more", [{}, NULL], ids=["usual", "beside NULL"])
@pytest.mark.parametrize(
    ("before", "change"),
    [
        pytest.param(
            {"customer_id": 3_000_000_000 - 2**32},
            "customer_id = 3000000000",
            id="overflow of 32 bits",
        ),
        pytest.param({"driver_id": -1}, "driver_id = 4294967295", id="minus one, unsigned"),
        pytest.param({"customer_id": 2**32 + 8}, "customer_id = 9", id="bits above 32"),
        pytest.param(
            {"customer_id": -5},
            "customer_id = driver_id, driver_id = customer_id",
            id="swap of columns",
        ),
        pytest.param(
            {"trip_fare": 5, "tip_amount": -5},
            "trip_fare = -5, tip_amount = 5",
            id="swap of amounts",
        ),
        pytest.param({"drop_lat": 0.0}, "drop_lat = '-0'", id="sign of zero"),
        pytest.param({"drop_lat": 0.0}, "drop_lat = NULL", id="zero to NULL"),
        pytest.param(
            {"pickup_lat": 0.0}, "pickup_lat = pickup_lon, pickup_lon = 0", id="swap with zero"
        ),
        pytest.param(
            {"drop_lat": 0, "drop_lon": 0},
            "pickup_lat = 0, pickup_lon = 0, drop_lat = pickup_lat, drop_lon = pickup_lon",
            id="swap of places",
        ),
    ],
)
def test_a_change_that_postgresqls_own_hash_does_not_see_is_noticed(
    table: Source, before: Mapping[str, Any], change: str, more: Mapping[str, Any]
) -> None:
    table.insert(ride("BK1", AT, **before, **more), ride("BK2", AT))
    first = seen(table)
    table.sql(f"UPDATE {{table}} SET {change} WHERE booking_id = 'BK1'")
    assert seen(table).differs_from(first)


@pytest.mark.parametrize("more", [{}, NULL], ids=["usual", "beside NULL"])
def test_two_rides_that_swap_the_signs_of_their_fares_are_noticed(
    table: Source, more: Mapping[str, Any]
) -> None:
    table.insert(ride("BK1", AT, trip_fare=50, **more), ride("BK2", AT, trip_fare=-50, **more))
    first = seen(table)
    table.sql("UPDATE {table} SET trip_fare = -trip_fare")
    assert seen(table).differs_from(first)


def test_the_hash_of_usual_rows_is_as_it_was(stack: Environment) -> None:
    """What is published stays as it is."""
    with source(stack) as table:
        table.sql(
            "ALTER TABLE {table} ALTER drop_lon TYPE numeric(10,7), ALTER driver_id TYPE integer"
        )
        largest = {
            "customer_id": 2**32 - 1,
            "driver_id": -1,
            "trip_fare": "0.00",
            "tip_amount": "0.00",
        }
        zeros = {"pickup_lat": 0.0, "pickup_lon": 0.0, "drop_lat": 0.0, "drop_lon": 0}
        table.insert(
            ride("BK1", AT, **largest),
            ride("BK2", AT, **NULL, **largest),
            ride("BK3", AT, **zeros),
            ride("BK4", AT, drop_lat=0.0),
        )
        assert seen(table).row_hash == 12360673527357542162


@pytest.mark.parametrize("more", [{}, NULL], ids=["usual", "beside NULL"])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("numeric(9,6)", "33.868819", "-33.868819"), ("numeric", "Infinity", "NaN")],
)
def test_a_change_of_a_numeric_coordinate_is_noticed(
    stack: Environment, more: Mapping[str, Any], kind: str, before: str, after: str
) -> None:
    with source(stack) as table:
        table.sql(f"ALTER TABLE {{table}} ALTER drop_lat TYPE {kind}")
        table.insert(ride("BK1", AT, drop_lat=before, **more))
        first = seen(table)
        table.sql("UPDATE {table} SET drop_lat = %s", after)
        assert seen(table).differs_from(first)
