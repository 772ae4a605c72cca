"""The whole pipeline with classic Spark sessions on YARN, Apache Hive, a lake on HDFS, and rides in
PostgreSQL over TLS: each run is a process of its own.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.cluster.apache_hive import ApacheHive
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.cluster.test_bookings import (  # noqa: F401
    test_the_doctor_finds_every_part_at_work,
)
from cab_assets_tests.defs.daily.test_end_to_end import DAYS, RIDES
from cab_assets_tests.pipeline import Pipeline

pytestmark = pytest.mark.cluster


@pytest.fixture
def servers(
    postgresql: Database, hdfs: Hdfs, hive: ApacheHive, yarn: Mapping[str, str], tmp_path: Path
) -> dict[str, str]:
    """What these tests run on."""
    return {
        **postgresql.variables,
        **yarn,
        "CAB_HIVE_URL": hive.url,
        "CAB_LAKE_ROOT": f"{hdfs.root}/{tmp_path.parent.name}/{tmp_path.name}",
    }


def test_a_backfill_and_an_amended_day_are_as_in_the_source(pipeline: Pipeline) -> None:
    pipeline.insert(*RIDES)
    ended = pipeline.execute(DAYS[0], DAYS[-1])
    assert ended.returncode == 0, ended.stderr
    pipeline.is_like_source(*DAYS)
    pipeline.sql("UPDATE {table} SET cab_color = 'green' WHERE booking_id = 'BK100000003'")
    ended = pipeline.execute(DAYS[0], DAYS[-1])
    assert ended.returncode == 0, ended.stderr
    pipeline.is_like_source(*DAYS)


def test_clicks_are_committed_and_folded_once(clicks: Clicks) -> None:
    clicks.create()
    sent = clicks.send([*numbered(range(100)), b"no click"])
    for ended in (clicks.execute(), clicks.execute("clickstream_fold", day="2020-03-14")):
        assert ended.returncode == 0, ended.stderr
    assert sorted(clicks.places("clickstream") + clicks.places("clickstream_rejects")) == sorted(
        sent
    )
    assert sorted(clicks.places("clicks")) == sorted(clicks.places("clickstream"))
