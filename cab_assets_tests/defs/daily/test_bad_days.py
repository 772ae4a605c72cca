import re
from datetime import UTC, datetime, timedelta

import dagster as dg

from cab_assets.store.manifest import Manifest
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import ASSETS, FAILED, TABLES, Pipeline
from cab_assets_tests.rides import ride

GOOD, BAD, ALSO_GOOD = DAYS = ["2020-03-01", "2020-03-02", "2020-03-03"]
RIDES = [ride(f"BK10000000{day[-1]}", f"{day} 10:00:00") for day in DAYS]


def test_a_bad_day_holds_back_no_other_and_is_not_shown_green(pipeline: Pipeline) -> None:
    pipeline.insert(*RIDES)
    pipeline.sql("UPDATE {table} SET trip_fare = 'NaN' WHERE booking_id = 'BK100000002'")

    ended = pipeline.execute(GOOD, ALSO_GOOD)

    assert ended.returncode == 1
    said = re.search(f"1 of 3 days {FAILED}(.*)", ended.stderr)
    assert said
    assert said[1].endswith(
        "trip_fare of the booking BK100000002 is NaN, which does not fit decimal(12,2). Fix it in"
        " the source, then run the day again"
    )
    with dg.DagsterInstance.from_config(pipeline.variables["DAGSTER_HOME"]) as instance:
        assert {
            asset: instance.get_materialized_partitions(dg.AssetKey(asset)) for asset in ASSETS
        } == {asset: {GOOD, ALSO_GOOD} for asset in ASSETS}
    assert [pipeline.store(table).pointers.values() for table in TABLES] == [{GOOD, ALSO_GOOD}] * 2

    pipeline.sql("UPDATE {table} SET trip_fare = 12.34 WHERE booking_id = 'BK100000002'")
    mended = pipeline.run(BAD)
    assert mended.failure == ""
    assert mended.materialized == {(asset, BAD) for asset in ASSETS}
    pipeline.is_like_source(*DAYS)


def test_a_booking_id_that_is_there_twice_withholds_its_day(pipeline: Pipeline) -> None:
    pipeline.sql("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    pipeline.insert(*RIDES, RIDES[1])
    run = pipeline.run(GOOD, ALSO_GOOD)
    assert run.failure == (
        f"1 of 3 days {FAILED}"
        f"{BAD}: validation of bookings failed, the new version was not published:"
        " booking_id_is_key (repeated: 1, null: 0, repeated keys: booking_id BK100000002)."
        " Fix the cause (docs/howto/correct-a-day.md), then run the day again"
    )  # fmt: skip
    assert run.materialized == {(asset, day) for asset in ASSETS for day in (GOOD, ALSO_GOOD)}
    assert pipeline.store(BOOKINGS).pointers.values() == {GOOD, ALSO_GOOD}


def test_a_booking_without_an_id_withholds_its_day(pipeline: Pipeline) -> None:
    pipeline.sql("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ALTER booking_id DROP NOT NULL")
    pipeline.insert(
        ride("", f"{BAD} 10:00:00"), ride("BK1", f"{BAD} 10:00:00") | {"booking_id": None}
    )
    assert (
        "booking_id_is_key (repeated: 0, null: 1, rows without a key: trip_fare 100.00, tip_amount"
        f" 10.00, pickup_timestamp {BAD} 10:00:00)" in pipeline.run(BAD).failure
    )


def test_a_version_that_failed_its_audit_keeps_the_published_one_in_place(
    pipeline: Pipeline,
) -> None:
    pipeline.insert(*RIDES)
    pipeline.run(BAD)
    before = pipeline.in_hive(BOOKINGS, BAD)
    pipeline.sql("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    pipeline.insert(RIDES[1])
    assert not pipeline.run(BAD).success
    assert pipeline.in_hive(BOOKINGS, BAD) == before


def test_drop_times_that_are_none_are_counted(pipeline: Pipeline) -> None:
    pipeline.insert(
        ride("BK1", f"{GOOD} 10:00:00", drop_timestamp="infinity"),
        ride("BK2", f"{GOOD} 10:00:00", drop_timestamp="-infinity"),
        RIDES[0],
    )
    run = pipeline.run(GOOD, assets=["raw_bookings", "bookings"])
    assert run.failure == ""
    assert (
        schema_detail(pipeline.manifests(BOOKINGS, GOOD)[GOOD])["invalid times set to NULL"] == "2"
    )
    assert [row[10] is None for row in pipeline.in_hive(BOOKINGS, GOOD)] == [True, False, True]


def schema_detail(manifest: Manifest) -> dict[str, str]:
    return next(
        finding.detail for finding in manifest.findings if finding.check == "schema_as_expected"
    )


def test_a_day_that_is_not_over_fails_by_name_beside_one_that_is(pipeline: Pipeline) -> None:
    yesterday, today, tomorrow = (
        (datetime.now(UTC) + timedelta(days)).date().isoformat() for days in (-1, 0, 1)
    )
    pipeline.insert(
        *(
            ride(f"BK10000000{number}", f"{day} 00:00:00")
            for number, day in enumerate([yesterday, today, tomorrow])
        )
    )
    run = pipeline.run(yesterday, tomorrow, assets=["raw_bookings", "bookings"])
    assert run.failure.startswith(f"2 of 3 days {FAILED}")
    assert (
        f"{today}, {tomorrow}: is not a partition: valid days are 2020-01-01 to {yesterday}"
        " (time zone UTC)" in run.failure
    )
    assert run.materialized == {(asset, yesterday) for asset in ("raw_bookings", "bookings")}
    assert pipeline.store(BOOKINGS).pointers.values() == {yesterday}


def test_a_day_that_is_not_over_ends_the_command_with_1_and_is_not_shown(
    pipeline: Pipeline,
) -> None:
    pipeline.insert(ride("BK100000001", "2999-01-01 10:00:00"))
    ended = pipeline.execute("2999-01-01")
    assert ended.returncode == 1
    assert "2999-01-01: is not a partition: valid days are 2020-01-01 to " in ended.stderr
    assert pipeline.hive.execute(f"SHOW TABLES IN {pipeline.hive.database}") == []
