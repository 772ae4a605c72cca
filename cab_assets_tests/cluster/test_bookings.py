"""The pipeline's own tests, over MariaDB with TLS and a password, and a lake on HDFS."""

import pytest

from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.defs.bookings.test_amended_days import (  # noqa: F401
    test_a_day_that_goes_back_to_what_it_was_is_published_anew,
    test_an_unchanged_day_says_so_in_the_log_and_writes_nothing,
    test_exactly_the_amended_days_get_a_new_version_and_no_old_file_changes,
)
from cab_assets_tests.defs.bookings.test_end_to_end import (  # noqa: F401
    test_a_day_from_the_command_line_ends_with_0_and_the_same_rows,
    test_both_tables_hold_exactly_what_sql_says_of_the_source_to_hive_and_to_spark,
)
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"


def test_a_lake_in_safe_mode_is_said_and_the_next_run_goes_on(pipeline: Pipeline, hdfs: Hdfs) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    hdfs.safe_mode(on=True)
    try:
        failed = pipeline.run(DAY)
    finally:
        hdfs.safe_mode(on=False)
    assert "safe mode" in failed.failure.lower()
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)
