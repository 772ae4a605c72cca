"""The pipeline's own tests, over MariaDB with TLS and a password, and a lake on HDFS."""

import subprocess
import sys
from pathlib import Path

import pytest

from cab_assets.cli.doctor import PARTS
from cab_assets.settings import CHECKOUT
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.defs.daily.test_amended_days import (  # noqa: F401
    test_a_day_that_goes_back_to_what_it_was_is_published_anew,
    test_an_unchanged_day_says_so_in_the_log_and_writes_nothing,
    test_exactly_the_amended_days_get_a_new_version_and_no_old_file_changes,
)
from cab_assets_tests.defs.daily.test_end_to_end import (  # noqa: F401
    test_a_day_from_the_command_line_ends_with_0_and_the_same_rows,
    test_both_tables_hold_exactly_what_sql_says_of_the_source_to_hive_and_to_spark,
)
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"


def test_a_lake_in_safe_mode_is_said_and_the_next_run_goes_on(
    pipeline: Pipeline, hdfs: Hdfs
) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    hdfs.safe_mode(on=True)
    try:
        failed = pipeline.run(DAY)
    finally:
        hdfs.safe_mode(on=False)
    assert "safe mode" in failed.failure.lower()
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


def test_the_doctor_finds_every_part_at_work(pipeline: Pipeline) -> None:
    Clicks(pipeline).create()
    doctor = [str(Path(sys.executable).with_name("cab")), "doctor"]
    ended = subprocess.run(
        doctor,
        env=pipeline.environ(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=patience(240),
    )
    lines = ended.stdout.splitlines()[-len(PARTS) :]
    assert [(line[:4].strip(), line[6:18].strip()) for line in lines] == [
        ("ok", part.name) for part in PARTS
    ], ended
