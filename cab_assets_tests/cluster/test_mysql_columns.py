"""Names of columns have no case in MySQL, and its texts may have a character set each."""

from pathlib import Path

import pytest

from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"


def test_columns_named_in_another_case_are_those_we_import(
    mariadb: Database, tmp_path: Path
) -> None:
    rides = new_rides(mariadb, "columns", tmp_path)
    rides.admin(
        "ALTER TABLE {table} CHANGE booking_id Booking_ID varchar(40), CHANGE trip_fare TRIP_FARE"
        " decimal(12,2), ADD Zone_Of_Pickup int"
    )
    rides.insert(ride("BK1", f"{DAY} 10:00:00"))
    manifest = rides.run(DAY)
    assert manifest.passed, manifest.findings
    assert rides.rows(manifest)["BK1"]["trip_fare"] == 100
    with rides.db.day(rides.env.start_date) as source:
        assert source.source.added_columns == ["Zone_Of_Pickup"]


def test_texts_of_two_character_sets_arrive_and_are_hashed(
    mariadb: Database, tmp_path: Path
) -> None:
    rides = new_rides(mariadb, "character_sets", tmp_path)
    rides.admin("ALTER TABLE {table} CONVERT TO CHARACTER SET latin1")
    rides.admin("ALTER TABLE {table} MODIFY cab_registration_no varchar(40) CHARACTER SET gbk")
    rides.insert(ride("BK1", f"{DAY} 10:00:00", cab_color="crème", cab_registration_no="京A"))
    first = rides.run(DAY)
    assert first.passed, first.findings
    row = rides.rows(first)["BK1"]
    assert (row["cab_color"], row["cab_registration_no"]) == ("crème", "京A")
    for change in ("cab_color = 'creme'", "cab_registration_no = '津A'"):
        before = rides.seen()[DAY]
        rides.admin(f"UPDATE {{table}} SET {change}")
        assert rides.seen()[DAY].differs_from(before)


def test_a_text_whose_character_set_was_corrected_is_imported_again(
    mariadb: Database, tmp_path: Path
) -> None:
    """The usual repair of UTF-8 that was stored as latin1: no byte of the table changes."""
    rides = new_rides(mariadb, "repaired", tmp_path)
    rides.admin("ALTER TABLE {table} MODIFY cab_color varchar(50) CHARACTER SET latin1")
    rides.insert(ride("BK1", f"{DAY} 10:00:00", cab_color="Ã©"))
    first = rides.run(DAY)
    assert rides.rows(first)["BK1"]["cab_color"] == "Ã©"
    assert rides.run(DAY).version == first.version
    rides.admin("ALTER TABLE {table} MODIFY cab_color varbinary(200)")
    rides.admin("ALTER TABLE {table} MODIFY cab_color varchar(50) CHARACTER SET utf8mb4")
    assert rides.rows(rides.run(DAY))["BK1"]["cab_color"] == "é"
