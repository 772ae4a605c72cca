import pyarrow.fs as pafs

from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import TABLES, Pipeline
from cab_assets_tests.rides import ride

FARE, TEXT, LATE, DELETED, SAME, EMPTY = DAYS = [f"2020-02-0{day}" for day in range(1, 7)]
NOTHING_NEW = {"raw_bookings": "nothing new: the source is unchanged"} | {
    table.name: "nothing new: already published" for table in TABLES
}


def files(pipeline: Pipeline) -> dict[str, bytes]:
    """All Parquet files and manifests of the lake."""
    found = pipeline.lake.files.get_file_info(pafs.FileSelector("", recursive=True))
    return {
        info.path: pipeline.lake.read(info.path)
        for info in found
        if info.is_file and "/version=" in info.path
    }


def test_exactly_the_amended_days_get_a_new_version_and_no_old_file_changes(
    pipeline: Pipeline,
) -> None:
    pipeline.insert(
        *(
            ride(f"BK10000000{day[-1]}{each}", f"{day} 0{each}:00:00")
            for day in DAYS[:-1]
            for each in range(3)
        )
    )
    first = pipeline.run(FARE, EMPTY)
    written = files(pipeline)
    pipeline.sql("UPDATE {table} SET trip_fare = 100.01 WHERE booking_id = 'BK1000000011'")
    pipeline.sql("UPDATE {table} SET cab_color = 'ivory' WHERE booking_id = 'BK1000000021'")
    pipeline.insert(ride("BK1000000099", f"{LATE} 23:59:59.999999"))
    pipeline.sql("DELETE FROM {table} WHERE booking_id = 'BK1000000041'")

    second = pipeline.run(FARE, EMPTY)

    assert (first.success, second.success) == (True, True)
    assert {name: files(pipeline)[name] for name in written} == written
    again = {key: metadata["outcome"] for key, metadata in second.metadata.items()}
    new = {"raw_bookings": "imported"} | {table.name: "published" for table in TABLES}
    assert again == {
        (asset, day): (NOTHING_NEW if day in (SAME, EMPTY) else new)[asset]
        for asset in new
        for day in DAYS
    }
    changed = {
        day
        for day in DAYS
        if first.metadata["bookings", day]["version"] != second.metadata["bookings", day]["version"]
    }
    assert changed == {FARE, TEXT, LATE, DELETED}
    pipeline.is_like_source(*DAYS)


def test_an_unchanged_day_says_so_in_the_log_and_writes_nothing(pipeline: Pipeline) -> None:
    pipeline.insert(ride("BK100000001", f"{SAME} 00:00:00"))
    pipeline.run(SAME)
    written = files(pipeline)
    log = pipeline.run(SAME).log
    assert f"raw_bookings/{SAME}: nothing new: the source is unchanged (1 rows" in log
    assert f"booking_aggregates/{SAME}: nothing new: already published (1 rows)" in log
    assert files(pipeline) == written


def test_a_day_that_goes_back_to_what_it_was_is_published_anew(pipeline: Pipeline) -> None:
    pipeline.insert(ride("BK100000001", f"{FARE} 00:00:00", trip_fare="10.00"))
    fares = []
    for fare in ("10.00", "20.00", "10.00"):
        pipeline.sql("UPDATE {table} SET trip_fare = %s", fare)
        assert pipeline.run(FARE, assets=["raw_bookings", "bookings"]).failure == ""
        fares += [str(row[11]) for row in pipeline.in_hive(BOOKINGS, FARE)]
    assert fares == ["10.00", "20.00", "10.00"]
