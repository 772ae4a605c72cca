from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from cab_assets.definitions import defs
from cab_assets.defs.daily.sensors import FIRST, LAST
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import DAY, Outcome, Pipeline
from cab_assets_tests.rides import ride

TODAY = datetime.now(UTC).date()
OLD, *RECENT = [(TODAY - timedelta(days)).isoformat() for days in (9, 4, 3, 2, 1)]
SUMS = {"hashed": False}
SWEEP = {"everything": True}


def look(pipeline: Pipeline, config: dict[str, bool] | None = None) -> list[str]:
    """The days that a look at the source finds changed."""
    run = pipeline.job("observe_bookings", {"ops": {"observe": {"config": config or {}}}})
    assert run.failure == ""
    summary = (
        pipeline.instance.fetch_observations(dg.AssetKey("rds_bookings"), limit=1)
        .records[0]
        .asset_observation
    )
    assert summary
    changed = summary.metadata["changed_days"].value
    assert isinstance(changed, Sequence)
    return [str(day) for day in changed]


@pytest.fixture
def published(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """An old day and four recent ones, all of them published; there is no earlier day."""
    monkeypatch.setenv("CAB_START_DATE", OLD)
    pipeline.insert(
        *(
            ride(f"BK10000000{number}", f"{day} 10:00:00")
            for number, day in enumerate([OLD, *RECENT])
        )
    )
    assert pipeline.run(OLD, RECENT[-1], assets=["raw_bookings", "bookings"]).failure == ""
    return pipeline


def test_a_look_at_sums_sees_amounts_and_rows_and_one_at_hashes_every_column(
    published: Pipeline,
) -> None:
    assert look(published, SUMS) == []
    published.sql("UPDATE {table} SET tip_amount = 10.01 WHERE booking_id = 'BK100000001'")
    published.sql("UPDATE {table} SET cab_color = 'ivory' WHERE booking_id = 'BK100000002'")
    published.insert(
        ride("BK100000009", f"{RECENT[2]} 10:00:00", trip_fare="0.00", tip_amount="0.00")
    )
    published.sql("DELETE FROM {table} WHERE booking_id = 'BK100000004'")
    published.sql("UPDATE {table} SET passenger_count = NULL WHERE booking_id = 'BK100000000'")
    assert look(published, SUMS) == [RECENT[0], RECENT[2], RECENT[3]]
    assert look(published) == RECENT
    assert look(published, SWEEP) == [OLD, *RECENT]
    assert published.run(OLD, RECENT[-1], assets=["raw_bookings", "bookings"]).failure == ""
    assert look(published, SWEEP) == []


@pytest.mark.parametrize("tip", ["10.00", None])
def test_two_rides_of_a_day_that_swap_a_value_are_a_change(
    published: Pipeline, tip: str | None
) -> None:
    """Every sum over the day, of whatever column alone, is as it was."""
    published.insert(
        *(
            ride(f"BK30000000{driver}", f"{OLD} 12:00:00", driver_id=driver, tip_amount=tip)
            for driver in (1, 2)
        )
    )
    assert published.run(OLD, assets=["raw_bookings", "bookings"]).failure == ""
    assert look(published, SWEEP) == []
    published.sql("UPDATE {table} SET driver_id = 3 - driver_id WHERE booking_id LIKE 'BK3%'")
    assert look(published, SWEEP) == [OLD]


def test_rows_that_belong_to_no_day_are_counted(published: Pipeline) -> None:
    times = ["infinity", "-infinity", "1999-12-31 23:59:59", None]
    published.insert(
        *(
            ride(f"BK2{number}", "2020-01-01") | {"pickup_timestamp": pickup}
            for number, pickup in enumerate(times)
        )
    )
    run = published.job("observe_bookings")
    assert run.failure == ""
    assert lost(published, run) == (False, 4)
    published.sql("DELETE FROM {table} WHERE booking_id LIKE 'BK2_'")
    assert lost(published, published.job("observe_bookings")) == (True, 0)


def lost(pipeline: Pipeline, run: Outcome) -> tuple[bool, object]:
    entries = pipeline.instance.all_logs(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    check = next(
        entry.dagster_event.asset_check_evaluation_data for entry in entries if entry.dagster_event
    )
    return check.passed, check.metadata["rows_without_a_day"].value


def asked(
    instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[list[dict[str, str]], str | None]:
    """The tags of what the sensor asks for in one tick, and its cursor after it."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        said = list(defs().resolve_sensor_def("bookings_changes_sensor")(context))  # type: ignore[arg-type]
        wanted = (FIRST, LAST, DAY)
        return [
            {name: each.tags[name] for name in wanted if name in each.tags}
            for each in said
            if isinstance(each, dg.RunRequest)
        ], context.cursor


def seen(instance: dg.DagsterInstance, *changed: str) -> None:
    """A look that found these days changed."""
    instance.report_runless_asset_event(
        dg.AssetObservation("rds_bookings", partition="2020-01-01", metadata={"rows": 1})
    )
    instance.report_runless_asset_event(
        dg.AssetObservation("rds_bookings", metadata={"changed_days": list(changed)})
    )


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_the_sensor_asks_for_exactly_the_changed_days_and_once_for_each_look(
    instance: dg.DagsterInstance,
) -> None:
    assert asked(instance) == ([], None)
    seen(instance, "2020-01-30", "2020-01-31", "2020-02-01", "2020-02-05")
    requests, cursor = asked(instance)
    assert requests == [{FIRST: "2020-01-30", LAST: "2020-02-01"}, {DAY: "2020-02-05"}]
    assert asked(instance, cursor) == ([], cursor)
    seen(instance, "2020-02-05")
    assert asked(instance, cursor)[0] == [{DAY: "2020-02-05"}]


def test_a_look_that_finds_nothing_asks_for_nothing(instance: dg.DagsterInstance) -> None:
    seen(instance)
    assert asked(instance)[0] == []


def test_looks_between_two_ticks_are_taken_together(instance: dg.DagsterInstance) -> None:
    seen(instance, "2020-01-01")
    seen(instance, "2020-01-03", "2020-01-02")
    assert asked(instance)[0] == [{FIRST: "2020-01-01", LAST: "2020-01-03"}]


@pytest.mark.parametrize(
    ("status", "requests"),
    [
        (dg.DagsterRunStatus.STARTED, [{DAY: "2020-01-01"}, {DAY: "2020-01-05"}]),
        (dg.DagsterRunStatus.NOT_STARTED, [{DAY: "2020-01-01"}, {DAY: "2020-01-05"}]),
        (dg.DagsterRunStatus.FAILURE, [{FIRST: "2020-01-01", LAST: "2020-01-05"}]),
    ],
)
def test_days_that_an_active_run_is_at_are_left_to_it(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, requests: list[dict[str, str]]
) -> None:
    instance.add_run(
        dg.DagsterRun(
            job_name="bookings_daily",
            status=status,
            tags={FIRST: "2020-01-02", LAST: "2020-01-04"},
        )
    )
    seen(instance, *(f"2020-01-0{day}" for day in range(1, 6)))
    assert asked(instance)[0] == requests


def test_a_day_whose_aggregates_are_not_of_its_published_bookings_is_asked_for(
    published: Pipeline,
) -> None:
    assert published.run(OLD, RECENT[-1]).failure == ""
    assert look(published) == []
    published.sql("UPDATE {table} SET tip_amount = 10.01 WHERE booking_id = 'BK100000001'")
    assert published.run(RECENT[0], assets=["raw_bookings", "bookings"]).failure == ""
    published.hive.execute(
        f"ALTER TABLE {published.hive.name('booking_aggregates')} DROP PARTITION"
        f" (booking_date='{RECENT[1]}')"
    )
    assert look(published) == RECENT[:2]
    assert published.run(*RECENT[:2]).failure == ""
    assert look(published) == []


def test_days_that_a_look_found_are_asked_for_although_its_count_failed(
    published: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise BookingsDbRefused("the statement took too long")

    monkeypatch.setattr(BookingsDb, "rows_without_a_day", fails)
    published.sql("UPDATE {table} SET tip_amount = 10.01 WHERE booking_id = 'BK100000001'")
    assert "took too long" in published.job("observe_bookings").failure
    assert asked(published.instance)[0] == [{DAY: RECENT[0]}]


def test_a_cursor_from_before_the_event_log_was_made_anew_hides_no_look(
    instance: dg.DagsterInstance,
) -> None:
    seen(instance, "2020-01-30")
    assert asked(instance, "1000000")[0] == [{DAY: "2020-01-30"}]


def test_a_day_without_rows_whose_partition_is_no_version_of_it_is_asked_for(
    published: Pipeline,
) -> None:
    """Readers see the rows of the other day."""
    store = published.store(BOOKINGS)
    published.sql("DELETE FROM {table} WHERE booking_id = 'BK100000002'")
    assert published.run(RECENT[1], assets=["raw_bookings", "bookings"]).failure == ""
    assert look(published) == []
    store.pointers.move({RECENT[1]: store.pointers.locations([RECENT[0]])[RECENT[0]]})
    assert look(published) == [RECENT[1]]
