from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cab_assets.dev.sample.bookings import bookings_of, busy_days
from cab_assets.tables.bookings import BOOKINGS

NEW_YEAR = date(2020, 1, 1)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return bookings_of(NEW_YEAR, 1000, seed=1)


def test_the_same_arguments_give_the_same_rows(rows: pa.Table) -> None:
    assert bookings_of(NEW_YEAR, 1000, seed=1).equals(rows)


@pytest.mark.parametrize(
    "other",
    [bookings_of(NEW_YEAR, 1000, seed=2), bookings_of(date(2020, 1, 2), 1000, seed=1)],
    ids=["seed", "day"],
)
def test_another_seed_or_day_gives_other_rows(rows: pa.Table, other: pa.Table) -> None:
    assert all(rows[name] != other[name] for name in BOOKINGS.names)


def test_a_row_is_the_same_on_every_machine_and_version_of_numpy() -> None:
    assert bookings_of(NEW_YEAR, 2, seed=1).select(
        ["booking_id", "pickup_lat", "trip_fare", "cab_registration_no"]
    ).to_pylist() == [
        {
            "booking_id": "BK8418324725",
            "pickup_lat": -44.4743854,
            "trip_fare": Decimal("730.00"),
            "cab_registration_no": "072-12-2628",
        },
        {
            "booking_id": "BK8420727125",
            "pickup_lat": -84.5047475,
            "trip_fare": Decimal("754.00"),
            "cab_registration_no": "083-15-1757",
        },
    ]


def test_rows_have_the_types_of_the_table(rows: pa.Table) -> None:
    assert rows.schema == BOOKINGS.arrow_schema


def test_booking_ids_have_nine_to_ten_digits_and_are_random(rows: pa.Table) -> None:
    ids = rows["booking_id"].to_pylist()
    assert all(pc.match_substring_regex(rows["booking_id"], r"^BK[1-9]\d{8,9}$").to_pylist())
    assert {len(each) for each in ids} == {11, 12}
    assert ids != sorted(ids, key=lambda each: int(each[2:]))


def test_no_two_days_share_a_booking_id() -> None:
    ids = [
        each
        for day in busy_days(date(2019, 12, 1), 366)
        for each in bookings_of(day, 500, seed=1)["booking_id"].to_pylist()
    ]
    assert len(set(ids)) == len(ids)


def test_customers_and_drivers_have_eight_digits(rows: pa.Table) -> None:
    assert {
        len(str(each)) for name in ("customer_id", "driver_id") for each in rows[name].to_pylist()
    } == {8}


@pytest.mark.parametrize("number", [1, 2, 1000])
def test_the_first_pickup_is_at_midnight_and_the_last_just_before_the_next(number: int) -> None:
    pickups = bookings_of(NEW_YEAR, number, seed=1)["pickup_timestamp"].to_pylist()
    assert pickups == sorted(pickups)
    assert pickups[0] == datetime(2020, 1, 1)  # noqa: DTZ001
    assert number == 1 or pickups[-1] == datetime(2020, 1, 1, 23, 59, 59, 999999)  # noqa: DTZ001


def test_some_pickups_have_fractions_of_a_second_and_some_have_none(rows: pa.Table) -> None:
    assert 400 < sum(each.microsecond == 0 for each in rows["pickup_timestamp"].to_pylist()) < 600


def test_money_has_paise_at_times_and_tips_can_be_unknown_or_above_the_fare(rows: pa.Table) -> None:
    fares, tips = rows["trip_fare"].to_pylist(), rows["tip_amount"].to_pylist()
    assert 150 < sum(fare % 1 != 0 for fare in fares) < 350
    assert 20 < tips.count(None) < 100
    assert any(tip > fare for fare, tip in zip(fares, tips, strict=True) if tip is not None)
    assert min(fares) >= Decimal(10)


def test_a_drop_can_precede_its_pickup(rows: pa.Table) -> None:
    assert 0 < pc.sum(pc.less(rows["drop_timestamp"], rows["pickup_timestamp"])).as_py() < 500


def test_coordinates_are_on_earth_with_up_to_seven_decimals(rows: pa.Table) -> None:
    for column, limit in [
        ("pickup_lat", 90),
        ("pickup_lon", 180),
        ("drop_lat", 90),
        ("drop_lon", 180),
    ]:
        degrees = rows[column].to_pylist()
        assert max(map(abs, degrees)) <= limit
        assert max(len(f"{each!r}".partition(".")[2]) for each in degrees if abs(each) > 1) == 7


def test_most_rides_are_paid_in_rupees_and_several_currencies_occur(rows: pa.Table) -> None:
    counts = {
        each["values"]: each["counts"] for each in rows["currency_code"].value_counts().to_pylist()
    }
    assert counts["INR"] > 700
    assert counts.keys() == {"INR", "AED", "EUR", "GBP", "USD"}


def test_some_colors_are_in_other_scripts(rows: pa.Table) -> None:
    assert {"black", "हरा", "أبيض"} < set(rows["cab_color"].to_pylist())


def test_a_few_days_are_empty_whatever_the_seed() -> None:
    busy = busy_days(NEW_YEAR, 30)
    assert set(range(1, 31)) - {day.day for day in busy} == {10, 25}


def test_more_days_begin_with_the_first_ones() -> None:
    assert busy_days(NEW_YEAR, 60)[:28] == busy_days(NEW_YEAR, 30)


def test_a_day_without_rows_is_a_table_all_the_same() -> None:
    assert bookings_of(NEW_YEAR, 0, seed=1) == BOOKINGS.arrow_schema.empty_table()
