import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cab_assets.declarations import Table
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets_tests.pipeline import FAILED, TABLES, Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.faults


def flip(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])


def delete(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


PART, MANIFEST = "part-00000.parquet", "_manifest.json"
DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "2020-05-01": (PART, delete),
    "2020-05-02": (PART, truncate),
    "2020-05-03": (PART, flip),
    "2020-05-04": (MANIFEST, delete),
    "2020-05-05": (MANIFEST, truncate),
}
DAYS = [*DAMAGES, "2020-05-06"]


@pytest.fixture
def published(pipeline: Pipeline) -> Pipeline:
    pipeline.insert(*(ride(f"BK10000000{day[-1]}", f"{day} 10:00:00") for day in DAYS))
    assert pipeline.run(DAYS[0], DAYS[-1]).failure == ""
    return pipeline


def visible(pipeline: Pipeline, table: str, day: str) -> Path:
    location = next(
        pipeline.store(each).pointers.locations([day])[day] for each in TABLES if each.name == table
    )
    return Path(location.removeprefix("file://"))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_published_version_that_is_damaged_heals_with_a_plain_run(
    published: Pipeline, table: Table
) -> None:
    name = table.name
    for day, (file, damage) in DAMAGES.items():
        damage(visible(published, name, day) / file)
    run = published.run(DAYS[0], DAYS[-1])
    assert run.failure == ""
    published.is_like_source(*DAYS)
    assert {day for day in DAYS if run.metadata[name, day]["outcome"] == "published"} == set(
        DAMAGES
    )


def test_a_damaged_version_that_is_not_made_again_is_named_and_condemned(
    published: Pipeline,
) -> None:
    truncate(visible(published, "bookings", DAYS[0]) / PART)
    run = published.run(DAYS[0], DAYS[1], assets=["bookings"])
    assert f"1 of 2 days {FAILED}{DAYS[0]}: bookings/booking_date={DAYS[0]}/version=" in run.failure
    assert (
        "The version is damaged and no longer used: materialize raw_bookings, bookings and"
        " booking_aggregates for this day" in run.failure
    )
    assert run.materialized == {("bookings", DAYS[1])}
    assert published.run(DAYS[0], assets=["raw_bookings", "bookings"]).failure == ""
    assert published.in_hive(BOOKINGS, DAYS[0]) == published.in_source(BOOKINGS, DAYS[0])


def test_aggregates_of_a_damaged_day_hold_back_no_other(published: Pipeline) -> None:
    """One that is run on its own, without the import that would have mended the day."""
    published.sql("UPDATE {table} SET trip_fare = trip_fare + 1")
    assert published.run(DAYS[0], DAYS[1], assets=["raw_bookings", "bookings"]).failure == ""
    truncate(visible(published, "bookings", DAYS[0]) / PART)
    run = published.run(DAYS[0], DAYS[1], assets=["booking_aggregates"])
    assert f"1 of 2 days {FAILED}{DAYS[0]}: " in run.failure
    assert run.materialized == {("booking_aggregates", DAYS[1])}
    assert published.in_hive(BOOKING_AGGREGATES, DAYS[1]) == published.in_source(
        BOOKING_AGGREGATES, DAYS[1]
    )


def test_a_lost_manifest_heals_though_the_source_is_back_at_an_older_version(
    pipeline: Pipeline,
) -> None:
    """The older version is whole and equals the source, but a pointer never goes back."""
    pipeline.insert(ride("BK100000001", f"{DAYS[0]} 10:00:00", trip_fare="10.00"))
    imported = ["raw_bookings", "bookings"]
    pipeline.run(DAYS[0], assets=imported)
    pipeline.sql("UPDATE {table} SET trip_fare = 20.00")
    pipeline.run(DAYS[0], assets=imported)
    pipeline.sql("UPDATE {table} SET trip_fare = 10.00")
    delete(visible(pipeline, "bookings", DAYS[0]) / MANIFEST)
    assert pipeline.run(DAYS[0], assets=imported).failure == ""
    assert pipeline.in_hive(BOOKINGS, DAYS[0]) == pipeline.in_source(BOOKINGS, DAYS[0])


def test_a_lake_that_was_put_back_to_before_the_metastore_heals_with_a_plain_run(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Hive points to a version that is gone, and the source equals the older one in the lake."""
    day = DAYS[0]
    pipeline.insert(ride("BK100000001", f"{day} 10:00:00", trip_fare="10.00"))
    assert pipeline.run(day).failure == ""
    lake, kept = Path(pipeline.lake.root.removeprefix("file://")), tmp_path / "kept"
    shutil.copytree(lake, kept)
    pipeline.sql("UPDATE {table} SET trip_fare = 20.00")
    assert pipeline.run(day).failure == ""
    pipeline.sql("UPDATE {table} SET trip_fare = 10.00")
    shutil.rmtree(lake)
    kept.rename(lake)
    run = pipeline.run(day)
    assert run.failure == ""
    pipeline.is_like_source(day)
    assert f"{day}: the partition points to a newer version that is gone or damaged" in run.log
    assert len(pipeline.versions(BOOKINGS, day)) == 2
