"""A day that is written to while it is read is one state of the source."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"
ROWS, RUNS = 20_000, 8
PAUSE_SECONDS = 0.1
WRITES = [  # each changes what the day holds
    "UPDATE {table} SET trip_fare = trip_fare + 1 WHERE booking_id = 'BK0'",
    "UPDATE {table} SET cab_color = concat('c', floor(rand() * 1e9)) WHERE booking_id = 'BK1'",
    "INSERT INTO {table} (booking_id, pickup_timestamp) VALUES (uuid(), '2020-01-02 23:00:00')",
    "DELETE FROM {table} WHERE booking_id NOT LIKE 'BK%' LIMIT 1",
]


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    made = new_rides(mariadb, f"writes_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    made.insert(ride("BK0", f"{DAY} 10:00:00"))
    columns = ", ".join(f"{name}" for name in ride("", "") if name != "booking_id")
    copies = (
        f"SELECT concat('BK', seq), {columns} FROM {{table}}, seq_1_to_{ROWS} WHERE booking_id ="
        " 'BK0'"
    )
    made.admin(f"INSERT INTO {{table}} (booking_id, {columns}) {copies}")
    return made


@contextmanager
def written_to(rides: Rides) -> Iterator[None]:
    """Let another program change the day ten times a second while the block runs."""
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.wait(PAUSE_SECONDS):
            rides.admin(WRITES[number % len(WRITES)])
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_a_day_that_is_written_to_ten_times_a_second_is_one_state(rides: Rides) -> None:
    with written_to(rides):
        manifests = [rides.run(DAY) for _ in range(RUNS)]
    assert [each.findings for each in manifests if not each.passed] == []
    assert len({each.version for each in manifests}) > 1
