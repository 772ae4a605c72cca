"""MySQL stores dates that no calendar has: zero dates, partial dates, 31 February."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

UNREAL = [
    "2020-02-00 10:00:00",
    "2020-00-15 10:00:00",
    "2020-03-00 00:00:00",
    "2020-00-00 00:00:00",
]
UNREAL += [
    "0000-00-00 00:00:00",
    "0000-00-00 00:00:00.000001",
    "0000-01-01 00:00:00.5",
    "2020-02-31 10:00:00",
    "0000-05-05 10:00:00",
]
LAST_OF_MONTH, FIRST_OF_MONTH = "2020-01-31", "2020-02-01"


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    made = new_rides(mariadb, f"dates_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    made.insert(
        ride("BK1", f"{LAST_OF_MONTH} 23:59:59.999999"),
        ride("BK2", f"{FIRST_OF_MONTH} 00:00:00"),
        ride("BK3", "2020-02-29 23:59:59.999999"),
    )
    return made


def insert_unreal(rides: Rides, **times: str) -> None:
    number = abs(hash(tuple(times.values()))) % 10**9
    row = ride(f"BK9{number}", "2020-01-31 10:00:00") | times
    columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    insert = f"INSERT INTO {{table}} ({columns}) VALUES ({marks})"
    rides.admin(f"SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES' FOR {insert}", *row.values())


@pytest.mark.parametrize("pickup", UNREAL)
def test_a_pickup_at_a_date_that_is_none_is_in_no_day_and_counted(
    rides: Rides, pickup: str
) -> None:
    before = rides.seen()
    assert list(before) == [LAST_OF_MONTH, FIRST_OF_MONTH, "2020-02-29"]
    assert rides.without_a_day == 0
    insert_unreal(rides, pickup_timestamp=pickup)
    assert rides.seen() == before
    assert rides.without_a_day == 1
    for day, booking_id in {LAST_OF_MONTH: "BK1", FIRST_OF_MONTH: "BK2"}.items():
        assert list(rides.rows(rides.run(day))) == [booking_id]


@pytest.mark.parametrize("drop", UNREAL)
def test_a_drop_at_a_date_that_is_none_becomes_null_and_is_counted(rides: Rides, drop: str) -> None:
    insert_unreal(rides, drop_timestamp=drop)
    manifest = rides.run(LAST_OF_MONTH)
    assert manifest.passed, manifest.findings
    drops = {key: row["drop_timestamp"] for key, row in rides.rows(manifest).items()}
    assert {key for key, value in drops.items() if value is None} == drops.keys() - {"BK1"}
    details = next(each.detail for each in manifest.findings if each.check == "schema_as_expected")
    assert details["invalid times set to NULL"] == "1"


@pytest.mark.parametrize("column_type", ["datetime(6)", "timestamp(6)"])
def test_a_pickup_after_today_is_in_no_day_and_counted(rides: Rides, column_type: str) -> None:
    rides.admin(f"ALTER TABLE {{table}} MODIFY pickup_timestamp {column_type}")
    today = datetime.now(UTC).date()
    rides.insert(ride("BK10", f"{today} 23:59:59.999999"))
    assert rides.without_a_day == 0
    rides.insert(
        ride("BK11", f"{today + timedelta(1)} 00:00:00"), ride("BK12", "2037-02-12 10:00:00")
    )
    assert rides.without_a_day == 2
