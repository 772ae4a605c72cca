"""Collations that call different texts equal; the embedded PostgreSQL has no ICU."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from cab_assets import environment
from cab_assets.dev.sample.connect import source_table
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.tables.bookings import BOOKINGS
from cab_assets.wiring import Clients
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = date(2020, 9, 1)
FOLDING = (
    "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
)
COLLATED = [
    "cab_color TYPE varchar(40)",
    "currency_code TYPE char(3)",
    "cab_registration_no TYPE text",
]


@pytest.fixture
def folding(postgresql: Database) -> Iterator[BookingsDb]:
    """A table in whose texts `white` equals `White`."""
    env = environment.read({**postgresql.variables, "CAB_BOOKINGS_TABLE": "collated"})
    with source_table(env):
        db = Clients(env).bookings_db
        try:
            sql(db, FOLDING)
            sql(
                db,
                "ALTER TABLE collated"
                f" {', '.join(f'ALTER {each} COLLATE folding' for each in COLLATED)}",
            )
            yield db
        finally:
            sql(db, "DROP TABLE collated")
            sql(db, "DROP COLLATION IF EXISTS folding")


def sql(db: BookingsDb, statement: str, values: list[Any] | None = None) -> None:
    with db.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("tip", ["1.00", None], ids=["a whole row", "a row with a NULL"])
@pytest.mark.parametrize(
    "change", ["cab_color = 'White'", "currency_code = 'inr'", "cab_registration_no = 'Ab'"]
)
def test_a_correction_that_a_collation_calls_equal_is_seen(
    folding: BookingsDb, tip: str | None, change: str
) -> None:
    values = ride(
        "BK1", f"{DAY} 10:00:00", cab_color="white", cab_registration_no="ab", tip_amount=tip
    )
    places = ", ".join(["%s"] * len(values))
    sql(
        folding,
        f"INSERT INTO collated ({', '.join(BOOKINGS.names)}) VALUES ({places})",
        [values[name] for name in BOOKINGS.names],
    )
    before = folding.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)
    sql(folding, f"UPDATE collated SET {change}")
    assert folding.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60) != before
