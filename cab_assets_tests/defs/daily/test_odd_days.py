"""What a look or a run calls a day need not be one: the sensor goes on."""

import dagster as dg
import pytest

from cab_assets_tests.defs.daily.test_changes_sensor import asked, seen
from cab_assets_tests.pipeline import DAY, FIRST, LAST

ODD = ["2020-02-00", "2020-02-31", "None", "12020-02-12", "0000-00-00", "20200101"]


@pytest.mark.parametrize("odd", ODD)
def test_a_changed_day_that_is_none_holds_back_no_other(odd: str) -> None:
    instance = dg.DagsterInstance.ephemeral()
    seen(instance, odd, "2020-01-03", "2020-01-04")
    requests, cursor = asked(instance)
    assert requests == [{FIRST: "2020-01-03", LAST: "2020-01-04"}]
    assert asked(instance, cursor) == ([], cursor)


@pytest.mark.parametrize("odd", ODD)
def test_an_active_run_of_a_day_that_is_none_stops_no_tick(odd: str) -> None:
    instance = dg.DagsterInstance.ephemeral()
    started = dg.DagsterRunStatus.STARTED
    for tags in ({DAY: odd}, {FIRST: odd, LAST: "2020-01-05"}, {FIRST: "2020-01-01", LAST: odd}):
        instance.add_run(dg.DagsterRun(job_name="bookings_daily", status=started, tags=tags))
    seen(instance, "2020-01-03")
    assert asked(instance)[0] == [{DAY: "2020-01-03"}]
