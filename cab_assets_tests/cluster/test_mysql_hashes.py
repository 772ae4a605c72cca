"""A correction of any value changes the hash of its row."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"
PACKET_BYTES = 16_384
USUAL_BYTES = 16_777_216


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    return new_rides(mariadb, f"hashes_{abs(hash(tmp_path)) % 10**9}", tmp_path)


@pytest.fixture
def small_packets(rides: Rides) -> Iterator[Rides]:
    """A server whose functions return NULL for a text of more than PACKET_BYTES."""
    rides.admin(
        "ALTER TABLE {table} MODIFY cab_color longtext, MODIFY cab_registration_no longtext"
    )
    rides.admin(f"SET GLOBAL max_allowed_packet = {PACKET_BYTES}")
    yield rides
    rides.admin(f"SET GLOBAL max_allowed_packet = {USUAL_BYTES}")


def test_a_correction_of_the_last_digit_of_a_float_is_noticed(rides: Rides) -> None:
    rides.admin("ALTER TABLE {table} MODIFY pickup_lat float")
    rides.insert(ride("BK1", f"{DAY} 10:00:00", pickup_lat=40.712341))
    before, first = rides.seen(), rides.run(DAY)
    rides.admin("UPDATE {table} SET pickup_lat = 40.712345")
    assert rides.seen()[DAY].differs_from(before[DAY])
    assert rides.rows(rides.run(DAY))["BK1"]["pickup_lat"] != rides.rows(first)["BK1"]["pickup_lat"]


QUOTES = "repeat('\\'', 10000)"
LONG = "repeat('a', 9000)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            (f"concat({QUOTES}, 'a')", "'x'"),
            (f"concat({QUOTES}, 'b')", "'x'"),
            id="one text, once it is quoted",
        ),
        pytest.param(
            (LONG, f"concat({LONG}, 'a')"),
            (LONG, f"concat({LONG}, 'b')"),
            id="all texts of the row",
        ),
        pytest.param((QUOTES, "NULL"), (QUOTES, "''"), id="NULL to empty, beside such a text"),
    ],
)
def test_a_correction_in_a_row_that_outgrows_a_packet_is_noticed(
    small_packets: Rides, before: tuple[str, str], after: tuple[str, str]
) -> None:
    change = "UPDATE {table} SET cab_color = %s, cab_registration_no = %s"
    small_packets.insert(ride("BK1", f"{DAY} 10:00:00"))
    small_packets.admin(change % before)
    seen = small_packets.seen()[DAY]
    small_packets.admin(change % after)
    assert small_packets.seen()[DAY].differs_from(seen)


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_the_hash_of_a_usual_row_is_as_it_ever_was(rides: Rides, charset: str) -> None:
    """Another one would import every day again."""
    rides.admin(
        f"ALTER TABLE {{table}} CONVERT TO CHARACTER SET {charset}, MODIFY driver_id int, MODIFY"
        " drop_lat decimal(10,7)"
    )
    rides.insert(
        ride("BK1", f"{DAY} 10:00:00", cab_color="crème"),
        ride("BK2", f"{DAY} 10:00:00", cab_color=None, tip_amount=None),
    )
    quoted = ", ".join(f"quote({name})" for name in BOOKINGS.names)
    first = f"cast(conv(left(md5(concat_ws(',', {quoted})), 15), 16, 10) AS signed)"
    with rides.db.cursor() as cursor:
        cursor.execute(f"SELECT sum({first}) FROM {rides.db.table}")
        assert rides.seen()[DAY].row_hash == cursor.fetchone()[0]
