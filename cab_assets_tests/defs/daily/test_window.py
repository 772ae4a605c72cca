from datetime import UTC, date, datetime

from cab_assets import environment
from cab_assets.defs.daily.comparison import ComparisonConfig, window

SERVERS = {
    "CAB_START_DATE": "2020-01-01",
    "CAB_LOOKBACK_DAYS": "7",
    "CAB_STATEMENT_SECONDS": "60",
}


def test_a_look_covers_the_recent_days_within_the_time_of_one_statement() -> None:
    found = window(environment.read(SERVERS), ComparisonConfig())
    assert (found.end - found.start).days == 7
    assert found.seconds == 60
    assert found.hashed
    assert not found.everything


def test_a_sweep_covers_every_day_and_may_take_an_hour() -> None:
    found = window(environment.read(SERVERS), ComparisonConfig(everything=True))
    assert found.start == date(2020, 1, 1)
    assert found.seconds == 3600
    assert found.everything


def test_no_look_begins_before_the_first_day() -> None:
    first = datetime.now(UTC).date()
    found = window(environment.read(SERVERS | {"CAB_START_DATE": str(first)}), ComparisonConfig())
    assert found.start == first
