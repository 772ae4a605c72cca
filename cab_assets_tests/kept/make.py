"""What is kept, and `pytest cab_assets_tests/kept/make.py`, which makes the file anew.

Made by a version that is released, the file holds what a lake of that version holds.
"""

from dataclasses import replace
from pathlib import Path

import dagster as dg

from cab_assets_tests.clicks import Clicks, event
from cab_assets_tests.kept.keeping import keep
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

DAYS = ("2020-01-01", "2020-01-02", "2020-01-03")  # the last one has no ride
RIDES = [
    ride("BK100000001", f"{DAYS[0]} 10:00:00"),
    ride("BK100000002", f"{DAYS[0]} 23:59:59.999999", currency_code="EUR", trip_fare="-0.01"),
    ride("BK100000003", f"{DAYS[0]} 00:00:00", cab_color=None, tip_amount=None, drop_lat=None),
    ride("BK100000004", f"{DAYS[1]} 12:00:00", cab_color="ключ 😀", trip_fare="9999999999.99"),
]
FOLDED, LATE = "2020-03-14", "2020-03-15"  # days of clicks; of LATE, no click is folded yet
EVERYTHING = {"everything": True}


def clicked(day: str, customer: int) -> bytes:
    return event(customer_id=str(customer), timestamp=f"{day} 09:59:07")


def amend(pipeline: Pipeline) -> None:
    pipeline.sql("UPDATE {table} SET cab_color = 'white' WHERE booking_id = 'BK100000001'")


def fill(pipeline: Pipeline) -> None:
    """Fill the lake with one of each thing that a lake can hold."""
    pipeline.insert(*RIDES)
    assert pipeline.run(DAYS[0], DAYS[-1]).failure == ""
    amend(pipeline)
    assert pipeline.run(DAYS[0]).failure == ""
    clicks = Clicks(pipeline)
    clicks.create(2)
    clicks.send([clicked(FOLDED, 1), clicked(FOLDED, 1), clicked(FOLDED, 2)], partition=0)
    clicks.send([b"no JSON"], partition=0)
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    clicks.send([clicked(FOLDED, 3), clicked(LATE, 3)], partition=1)
    assert clicks.ingest().failure == ""
    assert (
        pipeline.job("observe_bookings", {"ops": {"observe": {"config": EVERYTHING}}}).failure == ""
    )


def test_make(pipeline: Pipeline, tmp_path: Path) -> None:
    home = tmp_path / "kept"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        made = replace(pipeline, instance=instance)
        fill(made)
        keep(made, home)
