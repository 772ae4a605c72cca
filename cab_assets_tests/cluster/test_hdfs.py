"""What is HDFS's own."""

from pathlib import Path

import pytest

from cab_assets.resources.lake import Lake, LakeUnavailable
from cab_assets_tests.cluster.hdfs import hdfs

pytestmark = pytest.mark.cluster
CONTENT = b"x" * 100_000


def test_a_file_is_read_whole_though_its_datanodes_have_not_reported_it_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hdfs(tmp_path, data_nodes=2, report_milliseconds=2000) as served:
        lake = Lake(f"{served.root}/lake")
        lake.make_folder("a")
        for number in range(3):
            lake.write(f"a/{number}", CONTENT)
            assert lake.read(f"a/{number}") == CONTENT
        for nothing in ("a/3", "a"):
            with pytest.raises(FileNotFoundError):
                lake.read(nothing)
        monkeypatch.setattr("cab_assets.resources.hdfs.REPORT_SECONDS", 0)
        lake.write("a/3", CONTENT)
        with pytest.raises(LakeUnavailable, match="cannot read a/3 in the lake: only 0 of its 100000 bytes can be read: no DataNode"):
            lake.read("a/3")
