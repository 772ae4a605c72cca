"""A day whose source lost most of its rows stays as it was published, until somebody accepts it."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.defs.daily.test_changes_sensor import asked, look
from cab_assets_tests.pipeline import DAY, FAILED, Pipeline
from cab_assets_tests.rides import ride

YESTERDAY = (datetime.now(UTC).date() - timedelta(1)).isoformat()
BOTH = ("raw_bookings", "bookings")
ACCEPT = {"cab/accept-loss": "true"}


@pytest.fixture
def published(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """200 rides of yesterday, which is the first day."""
    monkeypatch.setenv("CAB_START_DATE", YESTERDAY)
    pipeline.insert(ride("BK0", f"{YESTERDAY} 10:00:00"))
    others = ", ".join(BOOKINGS.names[1:])
    copies = f"SELECT 'BK' || n, {others} FROM {{table}}, generate_series(1, 199) AS n"
    pipeline.sql(f"INSERT INTO {{table}} {copies}")
    assert pipeline.run(YESTERDAY).failure == ""
    return pipeline


def keep(pipeline: Pipeline, rows: int) -> None:
    rest = "SELECT booking_id FROM {table} OFFSET %s"
    pipeline.sql(f"DELETE FROM {{table}} WHERE booking_id IN ({rest})", rows)


def visible(pipeline: Pipeline) -> int:
    return len(pipeline.in_hive(BOOKINGS, YESTERDAY))


def test_a_day_that_lost_more_than_half_is_withheld_until_a_tag_accepts_it(
    published: Pipeline,
) -> None:
    keep(published, 99)
    assert (
        published.run(YESTERDAY).failure
        == f"1 of 1 days {FAILED}{YESTERDAY}: validation of bookings failed, the new version was"
        " not published: rows_not_lost (before: 200, after: 99, to publish it: if the rows were"
        " deleted on purpose, run the day again with the tag cab/accept-loss=true). Fix the cause"
        " (docs/howto/correct-a-day.md), then run the day again"
    )
    assert visible(published) == 200
    accepted = published.run(YESTERDAY, more_tags=ACCEPT)
    assert accepted.failure == ""
    assert "rows_not_lost (before: 200, after: 99, accepted: by the run's tag" in accepted.log
    published.is_like_source(YESTERDAY)


def test_a_withheld_day_is_asked_for_once_for_each_state_of_its_source(published: Pipeline) -> None:
    published.sql("TRUNCATE {table}")
    assert look(published, {"hashed": False}) == [YESTERDAY]
    requests, cursor = asked(published.instance)
    assert requests == [{DAY: YESTERDAY}]
    assert "after: 0," in published.run(YESTERDAY).failure
    assert [look(published, {"hashed": False}), look(published), look(published)] == [[]] * 3
    assert asked(published.instance, cursor)[0] == []
    assert held(published) == [YESTERDAY]
    published.insert(ride("BK1", f"{YESTERDAY} 10:00:00"))
    assert look(published) == [YESTERDAY]
    assert held(published) == []


def held(pipeline: Pipeline) -> object:
    """Return the days that the last look found withheld."""
    (record,) = pipeline.instance.fetch_observations(dg.AssetKey("rds_bookings"), limit=1).records
    return record.asset_observation and record.asset_observation.metadata["withheld_days"].value


def test_a_withheld_version_stays_while_it_holds_its_day_back(
    published: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.sql("TRUNCATE {table}")
    assert not published.run(YESTERDAY).success
    monkeypatch.setenv("CAB_VERSION_GRACE_DAYS", "0")
    assert published.job("housekeeping").failure == ""
    assert look(published) == []
    assert published.run(YESTERDAY, assets=BOTH, more_tags=ACCEPT).failure == ""
    assert published.job("housekeeping").failure == ""
    assert len(published.versions(BOOKINGS, YESTERDAY)) == 1


def test_a_limit_of_1_lets_a_day_lose_every_row(
    published: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_MAX_LOSS", "1")
    published.sql("TRUNCATE {table}")
    assert published.run(YESTERDAY, assets=BOTH).failure == ""
    assert visible(published) == 0


def test_an_empty_first_import_of_yesterday_is_published_with_a_warning(pipeline: Pipeline) -> None:
    run = pipeline.run(YESTERDAY, assets=BOTH)
    assert run.failure == ""
    assert f"raw_bookings/{YESTERDAY}: rows_as_usual (rows: 0, median: 0" in run.log
    assert pipeline.store(BOOKINGS).pointers.values() == {YESTERDAY}
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    entries = pipeline.instance.all_logs(run.run_id, of_type=kind)
    found = [each.asset_check_evaluation for each in entries if each.asset_check_evaluation]
    severities = {each.check_name: each.severity for each in found if not each.passed}
    assert severities == {"rows_as_usual": dg.AssetCheckSeverity.WARN}
