import re
from collections import Counter
from datetime import date

import pytest

from cab_assets.dev.sample.amend import AMENDMENTS, Amendment, NothingToAmend, amend_days
from cab_assets.dev.sample.connect import source_table
from cab_assets.dev.sample.load import load_days
from cab_assets.dev.sample.source import FilledTable
from cab_assets.environment import Environment
from cab_assets.tables.bookings import BOOKINGS

NEW_YEAR = date(2020, 1, 1)
State = dict[date, dict[str, dict[str, object]]]


def state(env: Environment) -> State:
    """Day -> booking_id -> row."""
    days: State = {}
    with source_table(env) as table:
        table.cursor.execute(f"SELECT {', '.join(BOOKINGS.names)} FROM {table.name}")
        for values in table.cursor.fetchall():
            row = dict(zip(BOOKINGS.names, values, strict=True))
            days.setdefault(row["pickup_timestamp"].date(), {})[row["booking_id"]] = row
    return days


def difference(before: State, after: State) -> dict[date, Amendment]:
    """What happened to each day that is not the same; a change that is no amendment fails."""
    return {
        day: _difference(before[day], after[day]) for day in before if before[day] != after[day]
    }


def _difference(
    before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]
) -> Amendment:
    changed = Counter(
        name
        for booking_id in before.keys() & after.keys()
        for name in BOOKINGS.names
        if before[booking_id][name] != after[booking_id][name]
    )
    assert changed.keys() <= {"trip_fare", "cab_color"}
    return Amendment(
        changed["trip_fare"],
        changed["cab_color"],
        len(after.keys() - before.keys()),
        len(before.keys() - after.keys()),
    )


def told(said: list[str]) -> dict[date, Amendment]:
    rows = [line.split() for line in said if re.match(r"\d{4}-", line)]
    return {date.fromisoformat(day): Amendment(*map(int, numbers)) for day, *numbers in rows}


@pytest.fixture
def loaded(env: Environment) -> Environment:
    load_days(env, NEW_YEAR, days=12, rows_per_day=20, seed=1, say=print)
    return env


def amended(env: Environment, days: int = 12) -> dict[date, Amendment]:
    said: list[str] = []
    amend_days(env, NEW_YEAR, days, seed=1, say=said.append)
    return told(said)


def test_exactly_the_days_that_are_named_change_and_as_it_says(loaded: Environment) -> None:
    before = state(loaded)
    said = amended(loaded)
    assert difference(before, state(loaded)) == said
    assert sorted(map(repr, said.values())) == sorted(map(repr, AMENDMENTS))


def test_every_call_changes_more(loaded: Environment) -> None:
    for _ in range(4):
        before = state(loaded)
        assert difference(before, state(loaded)) == {}
        said = amended(loaded)
        assert difference(before, state(loaded)) == said != {}


def test_the_same_history_ends_in_the_same_rows(loaded: Environment, table: FilledTable) -> None:
    amended(loaded)
    first = state(loaded)
    table.cursor.execute(f"TRUNCATE {table.name}")
    load_days(loaded, NEW_YEAR, days=12, rows_per_day=20, seed=1, say=print)
    amended(loaded)
    assert state(loaded) == first


def test_days_outside_of_the_range_are_left_alone(loaded: Environment) -> None:
    assert amended(loaded, days=1) == {NEW_YEAR: AMENDMENTS[0]}


def test_a_day_with_one_row_loses_no_more_than_it_has(env: Environment) -> None:
    load_days(env, NEW_YEAR, days=1, rows_per_day=1, seed=1, say=print)
    assert amended(env) == {NEW_YEAR: Amendment(fares=1, colors=0, late=3, deleted=0)}


def test_one_black_cab_becomes_white_and_any_other_black(
    loaded: Environment, table: FilledTable
) -> None:
    table.cursor.execute(f"UPDATE {table.name} SET cab_color = 'black'")
    amended(loaded)
    assert {row["cab_color"] for day in state(loaded).values() for row in day.values()} >= {
        "black",
        "white",
    }


def test_loading_again_brings_back_what_was_deleted(loaded: Environment) -> None:
    before = state(loaded)
    amended(loaded)
    load_days(loaded, NEW_YEAR, days=12, rows_per_day=20, seed=1, say=print)
    after = state(loaded)
    assert all(before[day].keys() <= after[day].keys() for day in before)
    assert sum(change.fares for change in difference(before, after).values()) == 5


def test_without_bookings_in_the_range_there_is_nothing_to_amend(env: Environment) -> None:
    with pytest.raises(
        NothingToAmend,
        match=(
            "test_amend has no bookings in the 12 days from 2020-01-01 on; load some first with"
            " `cab sample`"
        ),
    ):
        amended(env)
