"""What is HDFS's own."""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hdfs_native import FileWriter

from cab_assets.cli.trials import hive, lake, spark
from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.lake import Lake, LakeUnavailable
from cab_assets_tests.cluster.hdfs import hdfs
from cab_assets_tests.pipeline import Pipeline

pytestmark = pytest.mark.cluster
CONTENT = b"x" * 100_000
ODD = "a%20b+c=d&e'f,g;h@i~é赤"  # what a root may hold and a URL would have escaped


def test_a_root_with_odd_characters_is_one_place_for_python_hive_and_spark(
    pipeline: Pipeline,
) -> None:
    root = f"{pipeline.env.lake_root}/{ODD}"
    trials = Trials(pipeline.env.but(lake_root=root))
    with trials.undo:
        lake.write(trials)
        hive.declare(trials)
        hive.read(trials)
        spark.read(trials)
        spark.write(trials)
    pipeline.lake.write(f"{ODD}/seen", CONTENT)
    assert Lake(root).read("seen") == CONTENT
    assert [info.base_name for info in pipeline.lake.list("")] == [ODD]


def test_a_file_is_read_whole_though_its_datanodes_have_not_reported_it_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hdfs(tmp_path, data_nodes=2, report_seconds=600) as served, ThreadPoolExecutor() as aside:
        lake = Lake(f"{served.root}/lake")
        lake.make_folder("a")
        for nothing in ("a/0", "a"):
            with pytest.raises(FileNotFoundError):
                lake.read(nothing)
        monkeypatch.setattr("cab_assets.clients.hdfs.REPORT_SECONDS", 0)
        refused = {}
        # A DataNode's first report comes at once, whatever its interval
        for path in ("a/0", "a/1", "a/2"):
            lake.write(path, CONTENT)
            try:
                assert lake.read(path) == CONTENT
            except LakeUnavailable as error:
                refused[path] = str(error)
        assert refused
        for path, message in refused.items():
            assert (
                f"cannot read {path} in the lake: only 0 of its 100000 bytes can be read: no"
                " DataNode" in message
            )
        monkeypatch.undo()
        reported = aside.submit(served.report)
        for path in refused:
            assert lake.read(path) == CONTENT
        reported.result()


def test_a_file_whose_hdfs_has_gone_is_closed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = FileWriter.close

    def counted(file: FileWriter) -> None:
        closed.append(id(file))
        close(file)

    monkeypatch.setattr(FileWriter, "close", counted)
    with hdfs(tmp_path) as served:
        file = Lake(f"{served.root}/lake").files.open_output_stream("a")
        file.write(CONTENT)
    with pytest.raises(OSError, match="failed"):
        file.close()
    del file
    gc.collect()
    assert len(closed) == 1
