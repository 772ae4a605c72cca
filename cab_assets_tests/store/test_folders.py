"""What a version's folder may hold beside its files, and what is damage."""

from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.store.folders import differences
from cab_assets.store.stored_day import DamagedVersion
from cab_assets_tests.store.test_versions import DATE, a_version, newest_version, of

VERSION = "20200102T000000000000Z-001-a"
FOLDER = f"bookings/booking_date={DATE}/version={VERSION}"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(f"file://{tmp_path}")


@pytest.mark.parametrize(
    "name", ["copy.parquet", "notes.txt", "copy/part-00000.parquet", "_copy=1.parquet"]
)
def test_a_file_that_the_manifest_does_not_list_is_damage_and_named(lake: Lake, name: str) -> None:
    manifest = a_version(lake, VERSION)
    lake.make_folder(f"{FOLDER}/{name}".rpartition("/")[0])
    lake.write(f"{FOLDER}/{name}", b"")
    with pytest.raises(
        DamagedVersion,
        match=(
            f"{FOLDER}/{name.split('/')[0]} is not in the manifest of the folder. The version is"
            " damaged and no longer used"
        ),
    ):
        of(lake).verify(manifest)
    assert newest_version(lake) is None


@pytest.mark.parametrize("name", ["_superseded", "_SUCCESS", ".part-00000.parquet.crc"])
def test_a_name_that_no_reader_sees_is_no_damage(lake: Lake, name: str) -> None:
    manifest = a_version(lake, VERSION)
    lake.write(f"{FOLDER}/{name}", b"anything")
    of(lake).verify(manifest)
    assert differences(lake, FOLDER, manifest.files).first is None


def test_a_loss_is_told_before_what_is_surplus(lake: Lake) -> None:
    manifest = a_version(lake, VERSION)
    lake.files.delete_file(f"{FOLDER}/{manifest.files[0].name}")
    lake.write(f"{FOLDER}/a.parquet", b"")
    found = differences(lake, FOLDER, manifest.files)
    assert found.lost == (f"{FOLDER}/part-00000.parquet is missing",)
    assert found.surplus == (f"{FOLDER}/a.parquet is not in the manifest of the folder",)
    assert found.first == found.lost[0]
