from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cab_assets.clients.clocks import (
    Clocks,
    ClocksDisagree,
    ZonesDisagree,
    raise_if_clock_differs,
    raise_if_zone_differs,
)
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets_tests.pipeline import Pipeline

KOLKATA = ZoneInfo("Asia/Kolkata")
NOON = datetime(2020, 3, 14, 12)  # noqa: DTZ001  as a clock shows it
AGREED = Clocks(NOON.replace(tzinfo=UTC), NOON, NOON + timedelta(hours=5, minutes=30))


@dataclass(frozen=True)
class BehindAPool(PostgreSQL):
    """What connects for us has a zone of its own and drops the one that we ask for."""

    def begin(self, cursor: Any, table: str) -> None:
        super().begin(cursor, table)
        cursor.execute("SET LOCAL timezone = 'Asia/Kolkata'")


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (timedelta(hours=1), "3,600 s ahead of"),
        (timedelta(seconds=62), "62 s ahead of"),
        (timedelta(days=-1), "86,400 s behind"),
    ],
)
def test_a_clock_that_is_away_is_refused_with_how_far(away: timedelta, told: str) -> None:
    now = datetime.now(UTC)
    with pytest.raises(
        ClocksDisagree, match=f"the clock of rides is {told} the clock of this machine"
    ):
        raise_if_clock_differs("rides", now + away, now)


def test_a_slow_answer_is_no_clock_that_is_behind() -> None:
    asked = datetime.now(UTC) - timedelta(minutes=5)
    raise_if_clock_differs("rides", asked + timedelta(minutes=2), asked)


def test_clocks_that_agree_are_let_pass_also_when_a_zone_is_not_known() -> None:
    raise_if_zone_differs("rides", AGREED, KOLKATA)
    raise_if_zone_differs("rides", replace(AGREED, business=None), KOLKATA)


def test_a_zone_by_other_rules_is_refused() -> None:
    with pytest.raises(
        ZonesDisagree,
        match=(
            "rides shows 2020-03-14 17:00, but it is 2020-03-14 17:30 in Asia/Kolkata, by Python's"
            " rules"
        ),
    ):
        raise_if_zone_differs("rides", replace(AGREED, business=datetime(2020, 3, 14, 17)), KOLKATA)  # noqa: DTZ001


def test_the_database_shows_one_moment_on_three_clocks(pipeline: Pipeline) -> None:
    asked = datetime.now(UTC)
    db = BookingsDb(replace(pipeline.db.dialect, zone=KOLKATA.key), pipeline.table)
    raise_if_clock_differs("rides", db.clocks().moment, asked)
    raise_if_zone_differs("rides", db.clocks(), KOLKATA)


def test_a_session_that_does_not_run_in_utc_is_refused(pipeline: Pipeline) -> None:
    dialect = pipeline.db.dialect
    with pytest.raises(
        ZonesDisagree,
        match="in UTC, the time zone that was set for its session; check for a proxy or pool",
    ):
        raise_if_zone_differs(
            "rides",
            BookingsDb(BehindAPool(dialect.address, dialect.password), pipeline.table).clocks(),
            ZoneInfo("UTC"),
        )
