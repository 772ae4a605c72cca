from pathlib import Path

import pytest

from cab_assets_tests.pipeline import ASSETS, TABLES, Pipeline
from cab_assets_tests.rides import NO_TIME, ride

EVERYTHING = "0123456789 äöü हरा 赤 👍 'q' \"d\" \\n\t"  # 40 characters at most
RIDES = [
    ride("BK100000001", "2020-01-01 00:00:00"),
    ride("BK100000002", "2020-01-01 23:59:59.999999", trip_fare="0.01", tip_amount="9999999999.99"),
    ride(
        "BK100000003",
        "2020-01-02 00:00:00",
        tip_amount=None,
        currency_code="EUR",
        trip_fare="99.99",
    ),
    ride(
        "BK100000004", "2020-01-02 12:00:00", tip_amount=None, currency_code="EUR", trip_fare="0.02"
    ),
    ride(
        "BK100000005",
        "2020-01-02 12:00:00.5",
        currency_code="USD",
        drop_timestamp="2020-01-01 23:00:00",
    ),
    ride(
        "BK100000006",
        "2020-01-02 12:00:01",
        currency_code=None,
        trip_fare=None,
        cab_color=EVERYTHING,
    ),
    ride(
        "BK100000007",
        "2020-01-02 12:00:02",
        currency_code="",
        cab_color="",
        cab_registration_no="x" * 40,
    ),
    ride(
        "BK100000008",
        "2020-01-02 12:00:03",
        cab_color="two\nlines\r\n",
        customer_app_version="a,b;c",
        drop_timestamp=NO_TIME,
    ),
    ride(
        "BK100000009",
        "2020-01-02 12:00:04",
        trip_fare="-5.55",
        tip_amount="50.00",
        pickup_lat=0.0000001,
        drop_lon=-180,
        drop_lat=None,
    ),
    ride("BK1000000010", "2020-01-04 08:00:00", trip_fare=None),
    ride(
        "BK1000000011",
        "2020-01-04 08:00:01",
        trip_fare=None,
        passenger_count=None,
        customer_id=9_223_372_036_854_775_807,
        driver_id=None,
    ),
    ride("BK1000000012", "2020-01-05 08:00:00", trip_fare="0.00", tip_amount="0.00"),
    ride("BK1000000013", "2020-01-06 08:00:00", trip_fare="10.00", tip_amount="5.00"),
    ride("BK1000000014", "2020-01-06 08:00:00", trip_fare="-10.00", tip_amount="-5.00"),
    ride("BK1000000015", "2020-01-07 00:00:00"),  # outside of the range
]
DAYS = [f"2020-01-0{day}" for day in range(1, 7)]


def test_both_tables_hold_exactly_what_sql_says_of_the_source_to_hive_and_to_spark(
    pipeline: Pipeline,
) -> None:
    pipeline.insert(*RIDES)
    run = pipeline.run(DAYS[0], DAYS[-1])
    assert (run.failure, run.success) == ("", True)
    assert run.materialized == {(asset, day) for asset in ASSETS for day in DAYS}
    for table in TABLES:
        expected = pipeline.in_source(table, *DAYS)
        assert pipeline.store(table).pointers.values() == set(DAYS)
        assert pipeline.in_hive(table, *DAYS) == expected
        assert pipeline.in_spark(table, *DAYS) == expected


def test_a_day_from_the_command_line_ends_with_0_and_the_same_rows(pipeline: Pipeline) -> None:
    pipeline.insert(*RIDES)
    ended = pipeline.execute("2020-01-02")
    assert ended.returncode == 0, ended.stderr
    pipeline.is_like_source("2020-01-02")


def test_a_lake_whose_path_holds_a_space_is_as_good_as_any(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_LAKE_ROOT", f"file://{tmp_path}/my lake")
    pipeline.insert(*RIDES)
    assert pipeline.run("2020-01-02").failure == ""
    assert (
        pipeline.run("2020-01-02").metadata["bookings", "2020-01-02"]["outcome"]
        == "nothing new: already published"
    )
    pipeline.is_like_source("2020-01-02")
