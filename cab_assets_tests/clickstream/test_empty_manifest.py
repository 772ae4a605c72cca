from pathlib import Path

from cab_assets.clients.lake import Lake
from cab_assets.store.manifest import MANIFEST
from cab_assets_tests.clickstream.test_fold import DAY, committed, folding, numbers, version


def test_a_version_that_was_never_finished_asks_for_no_retired_batch(tmp_path: Path) -> None:
    lake = Lake(f"file://{tmp_path}")
    version(lake, 6)
    lake.write(f"{version(lake, 7)}/{MANIFEST}", b"")
    (due,) = folding(lake, committed(lake, 8, 9)).due([DAY])
    assert (numbers(due), due.fault) == ([8, 9], None)
