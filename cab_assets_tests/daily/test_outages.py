"""A source that stays gone: a run waits for it once, and uses it when it is back."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.clients.password import given
from cab_assets.daily import bring, retries
from cab_assets.daily import days as many_days
from cab_assets.daily.days import import_days
from cab_assets.daily.retries import Outage
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbUnavailable
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets.store.stored_day import StoredDay
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.versions import bookings_days

NOWHERE = BookingsDb(PostgreSQL("postgresql://cab@127.0.0.1:1/rides", given("")), "bookings")
DAYS = [f"2020-09-0{day}" for day in range(1, 10)]
NOT_TRIED = "not tried, because a server was unavailable for another day of this run: gone"


class Source:
    """Imports of days, of which only those that are `there` succeed; notes which were asked for."""

    def __init__(self, there: Iterable[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.there, self.asked, self.outage = there, list[str](), Outage()
        monkeypatch.setattr(many_days, "import_day", self.imported)
        monkeypatch.setattr(retries, "PAUSES", (0, 0, 0))

    def imported(self, _db: BookingsDb, day: StoredDay, **_: object) -> str:
        self.asked.append(day.date)
        if day.date not in self.there:
            raise BookingsDbUnavailable("gone")
        return "imported"

    def portion(self, days: list[str], tmp_path: Path) -> dict[str, str]:
        lake = Lake(f"file://{tmp_path}")
        found = import_days(
            NOWHERE, bookings_days(lake, days), "run", at_once=1, say=print, outage=self.outage
        )
        return {day: str(outcome) for day, outcome in found}


def test_each_further_day_is_told_as_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source((), monkeypatch)
    told = source.portion(DAYS[:3], tmp_path)
    assert told == {DAYS[0]: "gone", DAYS[1]: NOT_TRIED, DAYS[2]: NOT_TRIED}
    assert source.asked == DAYS[:1] * 4


def test_the_next_portion_is_tried_once_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source((), monkeypatch)
    source.portion(DAYS[:3], tmp_path)
    assert source.portion(DAYS[3:6], tmp_path)[DAYS[5]] == NOT_TRIED
    assert source.asked == [*DAYS[:1] * 4, DAYS[3]]


def test_a_source_that_is_back_is_used_and_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(DAYS[3:6], monkeypatch)
    source.portion(DAYS[:3], tmp_path)
    assert source.portion(DAYS[3:6], tmp_path) == dict.fromkeys(DAYS[3:6], "imported")
    source.portion(DAYS[6:], tmp_path)
    assert source.asked == [*DAYS[:1] * 4, *DAYS[3:6], *DAYS[6:7] * 4]


def test_a_long_run_waits_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "PARTITIONS_A_STATEMENT", 2)
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    monkeypatch.setenv("CAB_BOOKINGS_DB_URL", NOWHERE.dialect.address)
    monkeypatch.setenv("CAB_IMPORT_DAYS_AT_ONCE", "1")
    run = pipeline.run(DAYS[0], DAYS[5])
    assert run.log.count("retry 1 of 1 follows") == 1
    assert "6 of 6 days failed" in run.failure
    assert f"{DAYS[1]}, {DAYS[3]}, {DAYS[5]}: not tried, because a server" in run.failure
