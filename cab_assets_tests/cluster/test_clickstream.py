"""The clickstream's own tests, over a lake on HDFS."""

import pytest

from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.defs.clickstream.test_days import (  # noqa: F401
    test_a_day_is_sealed_when_all_that_arrived_is_folded_and_a_late_event_folds_its_own_day_again,
    test_batches_that_are_folded_everywhere_leave_and_take_nothing_with_them,
    test_days_folded_in_any_order_and_again_hold_each_event_once_at_its_first_place,
)
from cab_assets_tests.defs.clickstream.test_end_to_end import (  # noqa: F401
    test_a_run_without_anything_new_commits_nothing_and_says_so,
    test_every_record_is_in_one_of_the_views_once_and_then_in_its_day,
)

pytestmark = pytest.mark.cluster


def test_a_lake_in_safe_mode_is_said_and_costs_nothing(clicks: Clicks, hdfs: Hdfs) -> None:
    clicks.create()
    clicks.send(numbered(range(30)))
    assert clicks.ingest().success
    clicks.send(numbered(range(30, 60)))
    hdfs.safe_mode(on=True)
    try:
        failed = clicks.ingest()
    finally:
        hdfs.safe_mode(on=False)
    assert not failed.success
    assert "safe mode" in failed.failure.lower()
    assert clicks.ingest().success
    clicks.is_whole()
