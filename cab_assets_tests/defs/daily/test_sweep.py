"""What lies in the lake or stands in Hive otherwise than it was published: runs heal it, the sweep
finds it.
"""

import re
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cab_assets.declarations import Table
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets_tests.defs.daily.test_changes_sensor import SWEEP, look
from cab_assets_tests.pipeline import TABLES, Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.faults
PART = "part-00000.parquet"
OLD, NEXT, THIRD, LAST = DAYS = [
    (datetime.now(UTC).date() - timedelta(days)).isoformat() for days in (20, 19, 18, 17)
]


@pytest.fixture
def published(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("CAB_START_DATE", OLD)
    pipeline.insert(
        *(ride(f"BK10000000{number}", f"{day} 10:00:00") for number, day in enumerate(DAYS))
    )
    assert pipeline.run(OLD, LAST).failure == ""
    return pipeline


def folder(pipeline: Pipeline, table: Table, day: str) -> Path:
    """Of the version that readers see."""
    return Path(pipeline.store(table).pointers.locations([day])[day].removeprefix("file://"))


def copy_a_file(version: Path) -> None:
    shutil.copy(version / PART, version / "copy.parquet")


def copy_the_folder(version: Path) -> None:
    shutil.copytree(version, version / "copy")


def leave_a_note(version: Path) -> None:
    (version / "notes.txt").write_text("looked at this day, all is well")


def leave_what_no_reader_sees(version: Path) -> None:
    for name in ("_SUCCESS", ".notes.txt.swp", "_superseded"):
        (version / name).write_text(datetime.now(UTC).isoformat())


SURPLUS: dict[str, Callable[[Path], None]] = {
    OLD: copy_a_file,
    NEXT: copy_the_folder,
    THIRD: leave_a_note,
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_version_with_a_file_more_is_named_by_the_sweep_and_published_anew(
    published: Pipeline, table: Table
) -> None:
    for day, put in SURPLUS.items():
        put(folder(published, table, day))
    leave_what_no_reader_sees(folder(published, table, LAST))
    assert look(published, SWEEP) == [OLD, NEXT, THIRD]
    run = published.run(OLD, LAST)
    assert run.failure == ""
    assert {day for day in DAYS if run.metadata[table.name, day]["outcome"] == "published"} == set(
        SURPLUS
    )
    published.is_like_source(*DAYS)
    assert look(published, SWEEP) == []


def test_the_sweep_says_which_file_is_not_of_the_version(published: Pipeline) -> None:
    version = folder(published, BOOKINGS, OLD)
    copy_a_file(version)
    run = published.job("observe_bookings", {"ops": {"observe": {"config": SWEEP}}})
    assert (
        f"bookings/booking_date={OLD}/{version.name}/copy.parquet is not in the manifest of the"
        " folder" in run.log
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_days_of_a_table_that_was_dropped_come_back_by_the_sweep(
    published: Pipeline, table: Table
) -> None:
    published.hive.execute(f"DROP TABLE {published.hive.name(table.name)}")
    assert published.run(LAST).failure == ""
    assert published.store(table).pointers.values() == {LAST}
    assert look(published, SWEEP) == [OLD, NEXT, THIRD]
    assert published.run(OLD, THIRD).failure == ""
    published.is_like_source(*DAYS)


def test_aggregates_put_back_to_an_older_version_are_found_by_the_sweep(
    published: Pipeline,
) -> None:
    before = folder(published, BOOKING_AGGREGATES, OLD)
    published.sql("UPDATE {table} SET trip_fare = trip_fare + 1")
    assert published.run(OLD).failure == ""
    published.store(BOOKING_AGGREGATES).pointers.move({OLD: f"file://{before}"})
    assert OLD in look(published, SWEEP)
    assert published.run(OLD, LAST).failure == ""
    published.is_like_source(*DAYS)


def test_a_file_that_is_missing_or_cut_is_found_by_the_sweep(published: Pipeline) -> None:
    (folder(published, BOOKINGS, OLD) / PART).unlink()
    cut = folder(published, BOOKING_AGGREGATES, NEXT) / PART
    cut.write_bytes(cut.read_bytes()[:-7])
    (folder(published, BOOKING_AGGREGATES, THIRD) / "_manifest.json").unlink()
    assert look(published, SWEEP) == [OLD, NEXT, THIRD]
    assert published.run(OLD, LAST).failure == ""
    published.is_like_source(*DAYS)


def test_partitions_that_are_no_day_are_named_by_the_sweep_after_everything_else(
    published: Pipeline,
) -> None:
    version = f"file://{folder(published, BOOKINGS, OLD)}"
    values = (
        f"{OLD[:7]}-{int(OLD[8:])}x",
        f"{int(OLD[:4]) + 2}-01-01",
        f"{int(OLD[:4]) - 1}-01-01",
    )
    published.store(BOOKINGS).pointers.add(dict.fromkeys(values, version))
    published.insert(ride("BK900000001", f"{THIRD} 10:00:00"))
    run = published.job("observe_bookings", {"ops": {"observe": {"config": SWEEP}}})
    # As a shell reads them
    pasted = re.findall(r"`cab query (.*)` \(files are kept\)", run.failure)
    statements = [statement for each in pasted for statement in shlex.split(each)]
    assert len(statements) == len(values)
    for value in values:
        assert f"the partition booking_date='{value}' of bookings in Hive is no day" in run.failure
    assert published.store(BOOKINGS).pointers.values() == {*DAYS, *values}
    for statement in statements:
        published.hive.execute(statement)
    assert look(published, SWEEP) == [THIRD]
    assert published.store(BOOKINGS).pointers.values() == set(DAYS)
