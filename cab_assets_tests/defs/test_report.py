"""What a run says of days that are none, and of errors that no part has named."""

from pathlib import Path

import dagster as dg
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.defs.asked_days import NO_DAY
from cab_assets.defs.partitions import daily
from cab_assets.defs.report import DayReport
from cab_assets.defs.steps import step
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.outcomes import Failed
from cab_assets_tests.pipeline import FAILED, tags

DAY = "2020-01-02"


def run(
    lake: Path, outcome: Exception, day: dict[str, str], early: Exception | None = None
) -> tuple[str, str]:
    """Return what a run over days says in the end, and its log; each day has the same outcome."""

    @dg.multi_asset(
        specs=[dg.AssetSpec("raw_bookings", partitions_def=daily)],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    @step
    def importing(context: dg.AssetExecutionContext) -> None:
        with DayReport(context, Lake(f"file://{lake}"), daily, []) as report:
            report.log(Failed("raw_bookings", each, outcome) for each in report.known())
            if early:
                raise early

    job = dg.define_asset_job("importing", [importing])
    resolved = dg.Definitions([importing], jobs=[job]).resolve_job_def("importing")
    with dg.DagsterInstance.ephemeral() as instance:
        ended = resolved.execute_in_process(instance=instance, tags=day, raise_on_error=False)
        log = "\n".join(entry.message for entry in instance.all_logs(ended.run_id))
    failed = next(event for event in ended.all_events if event.is_step_failure).step_failure_data
    said = (
        failed.user_failure_data.description
        if failed.user_failure_data
        else str(failed.error and failed.error.message)
    )
    return str(said), log


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (
            "2019-12-31",
            None,
            f"1 of 1 days {FAILED}2019-12-31: is not a partition: valid days are 2020-01-01 to ",
        ),
        (
            "2019-12-29",
            "2019-12-31",
            (
                f"3 of 3 days {FAILED}2019-12-29, 2019-12-30, 2019-12-31: is not a partition: valid"
                " days are "
            ),
        ),
        ("2999-12-31", None, "2999-12-31: is not a partition: valid days are 2020-01-01 to "),
        ("2020-1-5", None, "2020-1-5: is not a partition: valid days are 2020-01-01 to "),
        ("2020-01-05", "2020-01-02", "2020-01-05: is after 2020-01-02, the last day of the run"),
    ],
)
def test_what_is_no_day_of_the_table_is_said_in_a_sentence(
    tmp_path: Path, first: str, last: str | None, says: str
) -> None:
    assert says in run(tmp_path, CabError("never asked"), tags(first, last))[0]


def test_the_days_of_a_range_that_there_are_are_done(tmp_path: Path) -> None:
    said, _ = run(tmp_path, CabError("it rains"), tags("2019-12-31", "2020-01-02"))
    assert said.startswith(f"3 of 3 days {FAILED}2019-12-31: is not a partition: valid days are ")
    assert said.endswith("\n2020-01-01, 2020-01-02: it rains")


@pytest.mark.parametrize("early", [Unavailable("Hive is away"), KeyError("Hive is away")])
def test_a_run_that_ends_early_names_the_days_that_had_failed(
    tmp_path: Path, early: Exception
) -> None:
    said, _ = run(tmp_path, CabError("it rains"), tags(DAY), early)
    assert said.startswith(f"1 of 1 days {FAILED}{DAY}: it rains\nThe run ended early: ")
    assert "Hive is away" in said


def test_a_run_that_names_no_day_is_told_how_to(tmp_path: Path) -> None:
    assert run(tmp_path, CabError("never asked"), {})[0] == NO_DAY


def test_a_day_that_fails_of_an_error_not_ours_says_which_and_what_to_do(tmp_path: Path) -> None:
    said, log = run(tmp_path, ZeroDivisionError("division by zero"), tags(DAY))
    assert (
        f"{DAY}: raw_bookings: ZeroDivisionError: division by zero. The pipeline does not know this"
        " error. Run `cab doctor`, then run again" in said
    )
    assert "Traceback" not in said
    assert "ZeroDivisionError: division by zero\n" in log


@pytest.mark.parametrize("is_generator", [True, False])
def test_a_step_that_ends_in_an_error_not_ours_names_it(is_generator: bool) -> None:
    @dg.op(out=dg.Out(is_required=False))
    @step
    def yields(_: dg.OpExecutionContext):  # type: ignore[no-untyped-def]
        yield dg.Output(1 // 0)

    @dg.op
    @step
    def returns(_: dg.OpExecutionContext) -> int:
        return 1 // 0

    @dg.job
    def dividing() -> None:
        (yields if is_generator else returns)()

    failed = dividing.execute_in_process(raise_on_error=False)
    error = next(
        event for event in failed.all_events if event.is_step_failure
    ).step_failure_data.error
    assert error
    assert error.cause
    assert (
        f"{'yields' if is_generator else 'returns'}: ZeroDivisionError: integer division or modulo"
        " by zero. The pipeline does not know" in error.cause.message
    )
