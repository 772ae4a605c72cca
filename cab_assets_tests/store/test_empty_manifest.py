from pathlib import Path

from cab_assets.clients.lake import Lake
from cab_assets.store.manifest import MANIFEST
from cab_assets_tests.store.test_versions import a_version, of


def test_a_version_whose_manifest_is_empty_was_never_valid(tmp_path: Path) -> None:
    """Its writer was killed after opening the file, or the disk was full."""
    lake = Lake(f"file://{tmp_path}")
    first, second = "20200102T000000000000Z-001-a", "20200103T000000000000Z-001-b"
    valid = a_version(lake, first)
    a_version(lake, second)
    path = f"{of(lake).folder(second)}/{MANIFEST}"
    lake.write(path, b"")
    assert of(lake).newest_and_lost() == (valid, None)
    assert of(lake).newest_and_lost(shown=second) == (valid, second)
    lake.write(path, b"{")
    assert of(lake).newest_and_lost() == (valid, second)
