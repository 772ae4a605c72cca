"""Times at the end of the calendar and beyond it, which a broker that checks none of
them accepts.
"""

from datetime import UTC, datetime

import pytest

from cab_assets.tables.clicks import CLICKS, REJECTS
from cab_assets_tests.clicks import Clicks, event

LAST = int(datetime(9999, 12, 31, 12, tzinfo=UTC).timestamp() * 1000)
ANY_TIME = {"message_timestamp_after_max_ms": str(2**63 - 1)}


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-30"])
def test_a_click_of_the_last_days_of_the_calendar_is_folded_like_any_other(
    clicks: Clicks, day: str
) -> None:
    clicks.create(1, **ANY_TIME)
    clicks.send([event(timestamp=f"{day} 10:00:00"), event()], timestamp_ms=LAST)
    assert clicks.ingest().failure == ""
    for _ in range(2):
        folded = clicks.fold()
        assert folded.failure == ""
    assert clicks.places("clicks") == [(0, 0), (0, 1)]
    assert clicks.pipeline.store(CLICKS).pointers.values() == {"2020-03-14", day}


def test_records_of_the_last_day_of_the_calendar_hold_up_nothing(clicks: Clicks) -> None:
    clicks.create(1, **ANY_TIME)
    clicks.send([event(), b"no JSON"], timestamp_ms=LAST)
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    assert (clicks.places("clicks"), clicks.places("rejects")) == ([(0, 0)], [(0, 1)])
    assert clicks.pipeline.store(REJECTS).pointers.values() == {"9999-12-31"}
