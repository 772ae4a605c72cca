import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.stored_day import CONDEMNED, DamagedVersion, StoredDay, stored_days
from cab_assets.store.versions import moment_id, version_id, without_run
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import recorded, written

DATE = "2020-01-01"


def of(lake: Lake) -> StoredDay:
    return StoredDay(BOOKINGS, lake, DATE)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(f"file://{tmp_path}")


def a_version(lake: Lake, version: str, *, passed: bool = True) -> Manifest:
    files = written(of(lake), version)
    found = (Finding(check="equals_source", passed=passed),)
    return recorded(
        of(lake),
        Manifest(
            table="bookings",
            day=DATE,
            version=version,
            code_version=1,
            files=files,
            rows=0,
            findings=found,
            seconds=0,
        ),
    )


def newest_version(lake: Lake) -> str | None:
    manifest = of(lake).newest()
    return manifest.version if manifest else None


def test_ids_sort_by_the_moment_of_the_source_to_the_microsecond() -> None:
    moments = [
        datetime(2020, 1, 1, 9, 59, 59, 999999, UTC),
        datetime(2020, 1, 1, 10, tzinfo=UTC),
        datetime(2020, 1, 1, 10, 0, 0, 1, UTC),
    ]
    ids = [
        version_id(moment_id(moment), BOOKINGS, run)
        for moment, run in zip(moments, ["z", "m", "a"], strict=True)
    ]
    assert sorted(ids) == ids
    assert ids[1] == "20200101T100000000000Z-001-m"


def test_an_id_is_later_than_one_that_was_made_while_the_clock_was_ahead() -> None:
    moment = datetime(2020, 1, 1, 10, tzinfo=UTC)
    ahead = "20270101T100000999999Z-001-m"
    assert moment_id(moment, after=ahead) == "20270101T100001000000Z"
    assert moment_id(moment, after="20200101T095959000000Z-009-m") == "20200101T100000000000Z"
    assert moment_id(moment, after="20200101T100000000000Z-001-m") == "20200101T100000000001Z"


def test_a_derived_version_has_the_moment_of_what_it_was_made_from() -> None:
    assert (
        version_id("20200101T100000000000Z-001-import-run", BOOKINGS, "b7-11")
        == "20200101T100000000000Z-001-b7-11"
    )


def test_two_runs_over_one_moment_are_of_equal_age() -> None:
    assert without_run("20200101T100000000000Z-001-b7-11") == without_run(
        "20200101T100000000000Z-001-a0-99"
    )


def test_the_newest_version_that_counts_wins(lake: Lake) -> None:
    a_version(lake, "20200102T000000000000Z-001-a")
    a_version(lake, "20200103T000000000000Z-001-a")
    a_version(lake, "20200104T000000000000Z-001-a", passed=False)
    written(of(lake), "20200105T000000000000Z-001-a")  # no manifest
    a_version(lake, "20200106T000000000000Z-001-a")
    lake.write(f"{of(lake).folder('20200106T000000000000Z-001-a')}/{CONDEMNED}", b"")
    assert newest_version(lake) == "20200103T000000000000Z-001-a"


def test_without_any_version_there_is_none(lake: Lake) -> None:
    assert newest_version(lake) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is missing"),
        (b"short", "has 5 bytes, but "),
        ("flipped", "the content of .* changed since it was written"),
    ],
)
def test_a_damaged_file_is_named_and_its_version_counts_no_longer(
    lake: Lake, content: bytes | str | None, says: str
) -> None:
    manifest = a_version(lake, "20200102T000000000000Z-001-a")
    path = f"{of(lake).folder(manifest.version)}/{manifest.files[0].name}"
    of(lake).verify(manifest)
    if content is None:
        lake.files.delete_file(path)
    else:
        lake.write(path, content if isinstance(content, bytes) else bytes(len(lake.read(path))))
    with pytest.raises(DamagedVersion, match=says):
        of(lake).verify(manifest)
    assert newest_version(lake) is None


def test_a_manifest_that_is_cut_short_does_not_count(lake: Lake) -> None:
    manifest = a_version(lake, "20200102T000000000000Z-001-a")
    path = f"{of(lake).folder(manifest.version)}/_manifest.json"
    lake.write(path, lake.read(path)[:-3])
    assert newest_version(lake) is None


def copy(lake: Lake, source: str, target: str) -> None:
    root = Path(lake.root.removeprefix("file://"))
    shutil.copytree(root / source, root / target)


def test_a_copy_of_a_version_inside_the_lake_does_not_count(lake: Lake) -> None:
    of_day, version = of(lake), "20200102T000000000000Z-001-a"
    a_version(lake, version)
    copy(lake, of_day.folder(version), of_day.folder(f"{version}.bak"))
    copy(lake, of_day.folder(version), of_day.folder(f"{version}-copy"))
    assert newest_version(lake) == version
    assert of_day.version_ids() == [f"{version}-copy", version]
    other = StoredDay(BOOKINGS, lake, "2020-01-02")
    copy(lake, of_day.folder(version), other.folder(version))
    assert (other.newest(), other.last_audited()) == (None, None)
    assert other.newest_and_lost() == (None, None)


def test_only_folders_of_days_are_days(lake: Lake) -> None:
    a_version(lake, "20200102T000000000000Z-001-a")
    copy(lake, of(lake).path, f"{of(lake).path}.bak")
    lake.files.create_dir("bookings/booking_date=2020-1-1")
    lake.write("bookings/booking_date=2020-01-05", b"")
    lake.write("bookings/booking_date=2020-01-05.csv", b"")
    assert [day.date for day in stored_days(BOOKINGS, lake)] == [DATE]
