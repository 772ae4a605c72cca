from datetime import UTC, datetime

from dagster._core.definitions.partitions.context import partition_loading_context

from cab_assets.defs.partitions import daily_ahead


def test_every_day_that_a_click_may_have_is_one_to_fold_by_hand() -> None:
    """At 23:30 a broker may hold 00:29 of tomorrow, and the click's phone be a day
    ahead of that.
    """
    with partition_loading_context(effective_dt=datetime(2020, 1, 10, 23, 30, tzinfo=UTC)):
        assert daily_ahead.get_last_partition_key() == "2020-01-12"
