"""Time spans: too long to be subtracted from a date, and their text."""

from datetime import UTC, datetime, timedelta

import pytest

from cab_assets.environment import BadEnvironment
from cab_assets.variables import duration, exact
from cab_assets_tests.test_environment import cluster

HUGE = "9" * 400
DAYS, HOURS = "an integer from {} to 36500", "a number from 0 to 876000"
MINUTES = "a number from 0 to 52560000"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("CAB_LOOKBACK_DAYS", "36501", DAYS.format(1)),
        ("CAB_LOOKBACK_DAYS", HUGE, DAYS.format(1)),
        ("CAB_VERSION_GRACE_DAYS", "36501", DAYS.format(0)),
        ("CAB_RUN_RETENTION_DAYS", "36501", DAYS.format(1)),
        ("CAB_BATCH_RETENTION_HOURS", "876000.1", HOURS),
        ("CAB_BATCH_RETENTION_HOURS", HUGE, HOURS),
        ("CAB_INGEST_RUN_MINUTES", HUGE, MINUTES),
        ("CAB_FOLD_MINUTES", HUGE, MINUTES),
        ("CAB_FRESH_MINUTES", HUGE, MINUTES),
        ("CAB_CLICK_GRACE", "36501d", "at most 36500d"),
        ("CAB_CLICK_GRACE", "9999999999d", "at most 36500d"),
        ("CAB_CLICK_GRACE", f"{HUGE}s", "at most 36500d"),
    ],
)
def test_a_time_span_of_more_than_100_years_is_rejected_by_name(
    name: str, value: str, why: str
) -> None:
    with pytest.raises(BadEnvironment) as refused:
        cluster(**{name: value})
    assert str(refused.value).startswith(f"{name}={value} must be {why}")


def test_dates_can_be_counted_back_by_each_time_span_up_to_100_years() -> None:
    env = cluster(
        CAB_LOOKBACK_DAYS="36500",
        CAB_VERSION_GRACE_DAYS="36500",
        CAB_RUN_RETENTION_DAYS="36500",
        CAB_BATCH_RETENTION_HOURS="876000",
        CAB_CLICK_GRACE="36500d",
    )
    spans = {
        timedelta(env.lookback_days),
        timedelta(env.version_grace_days),
        timedelta(env.run_retention_days),
        timedelta(hours=env.batch_retention_hours),
        env.click_grace,
    }
    assert spans == {timedelta(36500)}
    assert datetime(2020, 1, 1, tzinfo=UTC) - spans.pop() < datetime(1921, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["24h", "14d", "100001.5s", "0.000001s"])
def test_a_duration_is_printed_as_a_value_that_is_read_again(text: str) -> None:
    assert duration(str(duration(text))) == duration(text)


def test_a_small_number_is_printed_without_an_exponent() -> None:
    assert exact(0.00001) == "0.00001"
