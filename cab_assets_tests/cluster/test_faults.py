"""Servers of a company that die in the middle: the run ends in a named error or rides it out, and
the next one leaves everything as the source has it.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import pyarrow.fs as pafs
import pytest

from cab_assets.clients.deadline import started
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.cluster.apache_hive import ApacheHive
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.cluster.spark import Standalone
from cab_assets_tests.faults import COMMIT, PUBLISH, gate, through
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.relay import Gate
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"
T = TypeVar("T")


def die_at(held: Gate, hive: ApacheHive) -> None:
    """HiveServer2 has carried the statement out, and is killed before it says so."""
    assert held.reached.wait(patience(60))
    hive.server.kill()
    hive.server.start()
    held.hang_up()


def on_appearance(pipeline: Pipeline, folder: str, act: Callable[[], T]) -> T:
    """Act as soon as something lies in a folder of the lake."""
    deadline = time.monotonic() + patience(60)
    while time.monotonic() < deadline:
        with suppress(OSError):
            if pipeline.lake.files.get_file_info(
                pafs.FileSelector(folder, allow_not_found=True, recursive=True)
            ):
                break
    return act()


def test_a_day_whose_publishing_hiveserver2_did_not_live_to_confirm_is_published_by_the_next_run(
    pipeline: Pipeline, hive: ApacheHive, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    with Gate(pipeline.hive.port, PUBLISH, carried_out=True) as held:
        with monkeypatch.context() as patch:
            patch.setenv(
                "CAB_HIVE_URL", f"hive://cab@127.0.0.1:{held.port}/{pipeline.hive.database}"
            )
            killed = started(lambda: die_at(held, hive))
            failed = pipeline.run(DAY)
        killed.result(patience(60))
    assert f"{DAY}: HiveServer2 at 127.0.0.1:" in failed.failure
    assert "does not answer" in failed.failure
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


def test_a_commit_that_hiveserver2_did_not_live_to_confirm_is_made_once(
    clicks: Clicks, hive: ApacheHive, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with gate(clicks, COMMIT, carried_out=True) as held:
        with monkeypatch.context() as patch:
            patch.setenv("CAB_HIVE_URL", through(clicks, held))
            killed = started(lambda: die_at(held, hive))
            clicks.ingest()
        killed.result(patience(60))
    assert clicks.ingest().success
    assert [batch.number for batch in clicks.batches()] == [1]
    clicks.is_whole()


def test_without_a_metastore_a_run_fails_in_time_and_the_next_one_goes_on(
    pipeline: Pipeline, hive: ApacheHive
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    hive.metastore.kill()
    try:
        failed = pipeline.run(DAY)
    finally:
        hive.metastore.start()
    assert "start the metastore" in failed.failure or "does not answer" in failed.failure
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


def test_a_data_node_killed_while_a_day_is_written_leaves_nothing_that_counts(
    pipeline: Pipeline, hdfs: Hdfs
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    killed = started(lambda: on_appearance(pipeline, "bookings", hdfs.data_nodes[0].kill))
    try:
        failed = pipeline.run(DAY)
        killed.result(patience(60))
    finally:
        hdfs.data_nodes[0].start()
    hdfs.await_ready()
    assert "cannot write" in failed.failure
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


def test_an_executor_killed_while_days_are_aggregated_is_replaced(
    pipeline: Pipeline, standalone: Standalone
) -> None:
    pipeline.insert(
        *(ride(f"BK{number}", f"2020-01-{number:02} 10:00:00") for number in range(1, 10))
    )
    killed = started(
        lambda: on_appearance(pipeline, "booking_aggregates", standalone.kill_executors)
    )
    assert pipeline.run("2020-01-01", "2020-01-09").failure == ""
    assert killed.result(patience(60)) == 1
    pipeline.is_like_source(*(f"2020-01-0{number}" for number in range(1, 10)))
