from datetime import date
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.row_counts import RowLimits, as_usual, is_withheld, not_lost
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import bookings_day, recorded, written

DATE = "2020-03-20"
YESTERDAY = RowLimits(yesterday=date(2020, 3, 20))
LOST = Finding(check="rows_not_lost", passed=False)
WARNED = Finding(check="rows_as_usual", passed=False, warns=True)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(f"file://{tmp_path}")


def state_of(rows: int, row_hash: int | None) -> Fingerprint:
    return fingerprint(BOOKINGS, rows, (rows, rows), row_hash)


def a_version(lake: Lake, rows: int, *found: Finding, day: str = DATE, moment: int = 1) -> Manifest:
    """Seal a version that claims to hold some rows, the source's fare and hash among them."""
    version = f"202003{moment:02d}T000000000000Z-001-a"
    files = written(bookings_day(lake, day), version)
    manifest = Manifest(
        table="bookings",
        day=day,
        version=version,
        code_version=1,
        files=files,
        rows=rows,
        fingerprint=state_of(rows, rows),
        findings=found,
        seconds=0,
    )
    return recorded(bookings_day(lake, day), manifest)


def lost(lake: Lake, rows: int, limits: RowLimits = RowLimits()) -> Finding:  # noqa: B008
    passed, detail = not_lost(bookings_day(lake, DATE).last_audited(), rows, limits)
    return Finding(check="rows_not_lost", passed=passed, detail=detail)


def usual(lake: Lake, rows: int, limits: RowLimits = YESTERDAY) -> Finding:
    day = bookings_day(lake, DATE)
    passed, detail = as_usual(day, day.last_audited(), rows, limits)
    return Finding(check="rows_as_usual", passed=passed, detail=detail)


def test_a_first_version_lost_nothing(lake: Lake) -> None:
    assert lost(lake, 0).passed


@pytest.mark.parametrize(
    ("before", "after", "max_loss", "passed"),
    [
        (100, 49, 0.5, False),
        (100, 50, 0.5, True),
        (99, 0, 0.5, True),
        (1000, 0, 0.5, False),
        (1000, 5000, 0.5, True),
        (1000, 0, 1, True),
        (1000, 999, 0, False),
        (1000, 1000, 0, True),
    ],
)
def test_a_day_of_100_rows_may_lose_the_share_that_is_set(
    lake: Lake, before: int, after: int, max_loss: float, *, passed: bool
) -> None:
    a_version(lake, before)
    found = lost(lake, after, RowLimits(max_loss))
    assert found.passed == passed
    assert (found.detail["before"], found.detail["after"]) == (str(before), str(after))


def test_a_loss_that_is_accepted_passes_and_says_so(lake: Lake) -> None:
    a_version(lake, 1000)
    found = lost(lake, 1, RowLimits(accept_loss=True))
    assert str(found) == (
        "rows_not_lost (before: 1000, after: 1, accepted: by the run's tag cab/accept-loss)"
    )
    assert found.passed


def test_a_damaged_version_still_says_how_many_rows_were_there(lake: Lake) -> None:
    a_version(lake, 100)
    bookings_day(lake, DATE).condemn(a_version(lake, 1000, moment=2).version, "cut")
    assert not lost(lake, 100).passed


def test_a_withheld_version_is_not_what_the_next_one_is_compared_with(lake: Lake) -> None:
    a_version(lake, 1000)
    a_version(lake, 300, LOST, moment=2)
    assert not lost(lake, 200).passed


@pytest.mark.parametrize(("rows", "passed"), [(0, False), (9, False), (10, True), (200, True)])
def test_yesterday_is_compared_with_the_median_of_14_days(
    lake: Lake, rows: int, *, passed: bool
) -> None:
    a_version(lake, 10**6, day="2020-03-21")  # later
    for day in range(1, 16):
        before = 10**6 if day == 1 else 10 * day + 10  # the first one is the 15th before
        a_version(lake, before, day=f"2020-03-{day:02d}")
    found = usual(lake, rows)
    assert found.passed == passed
    assert found.detail == {"rows": str(rows), "median": "95", "of earlier days": "14"}


def test_another_day_than_yesterday_may_be_empty(lake: Lake) -> None:
    assert usual(lake, 0, RowLimits(yesterday=date(2020, 3, 19))).passed
    assert not usual(lake, 0).passed


def test_a_day_that_was_warned_of_is_judged_until_it_is_as_usual(lake: Lake) -> None:
    a_version(lake, 1000, day="2020-03-19")
    a_version(lake, 0, WARNED)
    assert not usual(lake, 99, RowLimits()).passed
    assert usual(lake, 100, RowLimits()).passed
    a_version(lake, 100, moment=2)
    assert usual(lake, 0).passed  # rows_not_lost judges what a day loses


def test_a_warning_withholds_nothing(lake: Lake) -> None:
    assert a_version(lake, 0, WARNED).passed


def test_only_a_state_that_was_withheld_for_lost_rows_is_held_back(lake: Lake) -> None:
    day, state = bookings_day(lake, DATE), state_of(10, 10)
    a_version(lake, 1000)
    assert not is_withheld(day, state)
    a_version(lake, 10, LOST, WARNED, moment=2)
    written(day, "20200303T000000000000Z-001-killed")
    assert is_withheld(day, state)
    assert is_withheld(day, state_of(10, None))  # a look at sums
    assert not is_withheld(day, state_of(10, 11))
    a_version(lake, 10, LOST, Finding(check="equals_source", passed=False), moment=4)
    assert not is_withheld(day, state)
    a_version(lake, 10, LOST, moment=5)
    a_version(lake, 10, moment=6)
    assert not is_withheld(day, state)
