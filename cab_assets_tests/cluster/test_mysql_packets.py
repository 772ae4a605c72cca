"""Rows and values larger than the server's max_allowed_packet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"
PACKET_BYTES, USUAL_BYTES = 16_384, 16_777_216


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Iterator[Rides]:
    made = new_rides(mariadb, f"packets_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    yield made
    made.admin(f"SET GLOBAL max_allowed_packet = {USUAL_BYTES}")


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("length", [9_000, 20_000], ids=["the row", "each text"])
def test_a_row_larger_than_a_packet_is_imported(rides: Rides, charset: str, length: int) -> None:
    rides.admin(
        f"ALTER TABLE {{table}} MODIFY cab_color longtext CHARACTER SET {charset}, MODIFY"
        f" cab_registration_no longtext CHARACTER SET {charset}"
    )
    rides.insert(ride("BK1", f"{DAY} 10:00:00"), ride("BK2", f"{DAY} 11:00:00"))
    rides.admin(
        f"UPDATE {{table}} SET cab_color = repeat('é', {length}), cab_registration_no = repeat('x',"
        f" {length}) WHERE booking_id = 'BK1'"
    )
    rides.admin(f"SET GLOBAL max_allowed_packet = {PACKET_BYTES}")
    manifest = rides.run(DAY)
    assert manifest.passed, manifest.findings
    assert rides.rows(manifest)["BK1"]["cab_color"] == "é" * length
