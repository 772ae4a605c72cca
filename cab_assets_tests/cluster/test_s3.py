"""The pipeline's own tests, over MariaDB with TLS and a lake on S3, which Apache Hive and Spark
reach by S3A; and what S3 does to a lake.
"""

import shutil
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.settings import CHECKOUT
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.cluster.apache_hive import ApacheHive
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.s3 import BUCKET, S3
from cab_assets_tests.cluster.spark import Standalone
from cab_assets_tests.cluster.test_bookings import (  # noqa: F401
    test_the_doctor_finds_every_part_at_work,
)
from cab_assets_tests.cluster.test_hdfs import (  # noqa: F401
    test_a_root_with_odd_characters_is_one_place_for_python_hive_and_spark,
)
from cab_assets_tests.defs.clickstream.test_days import (  # noqa: F401
    test_days_folded_in_any_order_and_again_hold_each_event_once_at_its_first_place,
)
from cab_assets_tests.defs.clickstream.test_end_to_end import (  # noqa: F401
    test_every_record_is_in_one_of_the_views_once_and_then_in_its_day,
)
from cab_assets_tests.defs.daily.test_amended_days import (  # noqa: F401
    test_exactly_the_amended_days_get_a_new_version_and_no_old_file_changes,
)
from cab_assets_tests.defs.daily.test_end_to_end import (  # noqa: F401
    test_both_tables_hold_exactly_what_sql_says_of_the_source_to_hive_and_to_spark,
)
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"


@pytest.fixture
def servers(
    mariadb: Database, s3: S3, hive: ApacheHive, standalone: Standalone, tmp_path: Path
) -> dict[str, str]:
    """What the same tests run on over here."""
    lake = f"s3://{BUCKET}/{tmp_path.parent.name}/{tmp_path.name}"
    return {
        **mariadb.variables,
        **s3.variables,
        "CAB_HIVE_URL": hive.url,
        "CAB_SPARK_REMOTE": standalone.remote,
        "CAB_LAKE_ROOT": lake,
    }


def test_a_day_from_the_command_line_leaves_its_output_beside_the_lake(pipeline: Pipeline) -> None:
    shutil.copy(CHECKOUT / "dagster.yaml", pipeline.variables["DAGSTER_HOME"])
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    ended = pipeline.execute(DAY)
    assert ended.returncode == 0, ended.stderr
    logs = Lake(f"{pipeline.env.lake_root}/_dagster/storage")
    files = [info.path for run in logs.list("") for info in logs.list(f"{run.path}/compute_logs")]
    assert any(f"raw_bookings/{DAY}: imported" in logs.read(path).decode() for path in files)


def test_a_day_goes_through_though_each_request_is_answered_503_at_first(
    pipeline: Pipeline, s3: S3
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    with s3.front.stumbling():
        assert pipeline.run(DAY).failure == ""
    assert s3.front.faults > 10
    pipeline.is_like_source(DAY)


def test_503_without_end_is_said_and_the_next_run_goes_on(pipeline: Pipeline, s3: S3) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    assert pipeline.run(DAY).failure == ""
    pipeline.insert(ride("BK2", f"{DAY} 10:00:00"))
    with s3.front.busy():
        failed = pipeline.run(DAY)
    assert f"{DAY}: cannot read bookings/booking_date={DAY} in the lake" in failed.failure
    assert "SLOW_DOWN" in failed.failure
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


@pytest.mark.parametrize("name", ["part-00000.parquet", "_manifest.json"])
def test_a_day_whose_upload_is_cut_midway_never_counts_and_the_next_run_goes_on(
    pipeline: Pipeline, s3: S3, name: str
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    with s3.front.cutting(rf"/bookings/\S*/{name}"):
        failed = pipeline.run(DAY)
    assert f"/{name} in the lake" in failed.failure
    assert pipeline.store(BOOKINGS).day(DAY).newest() is None
    assert DAY not in pipeline.store(BOOKINGS).pointers.values()
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


def test_503_without_end_fails_a_run_of_clicks_that_says_so_and_the_next_one_goes_on(
    clicks: Clicks, s3: S3
) -> None:
    clicks.create()
    clicks.send(numbered(range(30)))
    assert clicks.ingest().success
    clicks.send(numbered(range(30, 60)))
    with s3.front.busy():
        failed = clicks.ingest()
    # The first to wait for S3, when it is told the views
    assert "HiveUnavailable" in failed.failure
    assert clicks.ingest().success
    clicks.is_whole()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("part-", "cause: org.apache.http.NoHttpResponseException"),
        ("_manifest.json", "_manifest.json in the lake"),
    ],
)
def test_a_batch_whose_upload_is_cut_midway_is_not_committed_and_the_next_run_goes_on(
    clicks: Clicks, s3: S3, name: str, said: str
) -> None:
    clicks.create()
    clicks.send(numbered(range(30)))
    with s3.front.cutting(rf"/clickstream_batches/\S*{name}"):
        failed = clicks.ingest()
    assert said in failed.failure
    assert clicks.batches() == []
    assert clicks.ingest().success
    clicks.is_whole()
