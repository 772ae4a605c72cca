"""Generated bookings: the rows of a day depend only on the seed, the day and their number."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.tables.bookings import BOOKINGS

# A booking id is 100,000,000 + slot × 3,300 + the day's number modulo 3,300. Days less than nine
# years apart therefore never share an id. The slots are drawn at random, so the ids of a day are
# spread over all numbers of 9 to 10 digits.
FIRST_ID = 100_000_000
DAYS_APART = 3_300
# Upper bound of the rows of a day
SLOTS = 3_000_000

# Days of each month without bookings, because the pipeline must accept empty days
EMPTY_DAYS = (10, 25)
DAY_MICROSECONDS = 86_400_000_000
# Pickups at 00:00:00 and 23:59:59.999999 of every day: they show if the limits of a day are wrong
EDGES = (0, DAY_MICROSECONDS - 1)

APP_VERSIONS = [
    f"{major}.{minor}.{patch}"
    for major, minor, patch in product(range(1, 5), range(1, 5), range(1, 41))
]
SYSTEMS = ["Android", "iOS"]
COLORS = [
    "amber",
    "black",
    "bronze",
    "café crème",
    "copper",
    "ivory",
    "mint",
    "orange",
    "violet",
    "white",
    "हरा",
    "நீலம்",
    "أبيض",
    "赤",
]
CURRENCIES = ["INR"] * 16 + ["AED", "EUR", "GBP", "USD"]
CENT = pa.scalar(Decimal("0.01"))


def busy_days(start: date, days: int) -> list[date]:
    """Return the days with bookings, among the `days` days from `start` on."""
    return [
        day
        for day in (start + timedelta(each) for each in range(days))
        if day.day not in EMPTY_DAYS
    ]


def bookings_of(day: date, rows: int, seed: int) -> pa.Table:
    """Return `rows` bookings of `day`, at most SLOTS, in the table's Arrow schema."""
    return invented(np.random.default_rng([seed, day.toordinal()]), day, rows)


def invented(rng: np.random.Generator, day: date, rows: int) -> pa.Table:
    """Return bookings of `day`, generated from the next values of `rng`."""
    pickups = _pickups(rng, day, rows)
    columns = {
        "booking_id": _booking_ids(rng, day, rows),
        "customer_id": rng.integers(10_000_000, 100_000_000, rows),
        "driver_id": rng.integers(10_000_000, 100_000_000, rows),
        "customer_app_version": _one_of(rng, APP_VERSIONS, rows),
        "customer_phone_os_version": _one_of(rng, SYSTEMS, rows),
        "pickup_lat": _degrees(rng, 90, rows),
        "pickup_lon": _degrees(rng, 180, rows),
        "drop_lat": _degrees(rng, 90, rows),
        "drop_lon": _degrees(rng, 180, rows),
        "pickup_timestamp": pickups,
        # A fifth of them is before the pickup
        "drop_timestamp": (pickups + rng.integers(-1_800, 7_200, rows).astype("timedelta64[s]")),
        "trip_fare": _fares(rng, rows),
        "tip_amount": _tips(rng, rows),
        "currency_code": _one_of(rng, CURRENCIES, rows),
        "cab_color": _one_of(rng, COLORS, rows),
        "cab_registration_no": _registrations(rng, rows),
        "customer_rating_by_driver": rng.integers(1, 6, rows),
        "rating_by_customer": rng.integers(1, 6, rows),
        "passenger_count": rng.integers(1, 5, rows),
    }
    return pa.table(columns, schema=BOOKINGS.arrow_schema)


def _pickups(rng: np.random.Generator, day: date, rows: int) -> npt.NDArray[np.datetime64]:
    """Return sorted pickup times.

    About half of them are full seconds; the first and the last microsecond of the day are included.
    """
    microseconds = rng.integers(0, DAY_MICROSECONDS, rows)
    microseconds -= np.where(rng.random(rows) < 0.5, microseconds % 1_000_000, 0)
    microseconds[:2] = EDGES[:rows]
    return np.datetime64(day, "us") + np.sort(microseconds).astype("timedelta64[us]")


def _booking_ids(rng: np.random.Generator, day: date, rows: int) -> pa.Array:
    slots = rng.choice(SLOTS, rows, replace=False)
    digits = FIRST_ID + slots * DAYS_APART + day.toordinal() % DAYS_APART
    return pc.binary_join_element_wise("BK", pa.array(digits).cast(pa.string()), "")


def _one_of(rng: np.random.Generator, choices: list[str], rows: int) -> pa.Array:
    return pa.array(choices).take(pa.array(rng.integers(0, len(choices), rows)))


def _degrees(rng: np.random.Generator, limit: int, rows: int) -> npt.NDArray[np.float64]:
    return np.round(rng.uniform(-limit, limit, rows), 7)


def _fares(rng: np.random.Generator, rows: int) -> pa.Array:
    """Return amounts, a quarter of them with paise (hundredths)."""
    paise = np.where(rng.random(rows) < 0.25, rng.integers(0, 100, rows), 0)
    return _money(pa.array(rng.integers(10, 1_000, rows) * 100 + paise))


def _tips(rng: np.random.Generator, rows: int) -> pa.Array:
    """Return amounts without hundredths, some higher than the fare; one in twenty is NULL."""
    return _money(pa.array(rng.integers(0, 100, rows) * 100, mask=rng.random(rows) < 0.05))


def _money(hundredths: pa.Array) -> pa.Array:
    return pc.multiply(hundredths.cast(pa.decimal128(19)), CENT).cast(pa.decimal128(12, 2))


def _registrations(rng: np.random.Generator, rows: int) -> Any:
    digits = pc.utf8_lpad(pa.array(rng.integers(0, 1_000_000_000, rows)).cast(pa.string()), 9, "0")
    return pc.replace_substring_regex(digits, r"^(\d{3})(\d{2})(\d{4})$", r"\1-\2-\3")
