"""Which indexes on the day's column have a day read in windows: those that give its
rows in order.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cab_assets.environment import Environment
from cab_assets.sources import postgresql_windows
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

ORDERED = [
    "(pickup_timestamp)",
    "(pickup_timestamp NULLS FIRST)",
    "(pickup_timestamp DESC)",
    "(pickup_timestamp DESC NULLS LAST)",
    "(pickup_timestamp DESC NULLS LAST, booking_id)",
]
UNORDERED = [
    "USING brin (pickup_timestamp)",
    "USING hash (pickup_timestamp)",
    "(booking_id, pickup_timestamp)",
    "(date_trunc('hour', pickup_timestamp))",
    "(pickup_timestamp) WHERE pickup_timestamp < '2020-01-01'",
]
COUNT = 40


class Noted:
    """A cursor that keeps its last statement."""

    def __init__(self, cursor: Any) -> None:
        self._cursor, self.last = cursor, ""

    def execute(self, statement: str, *values: Any) -> Any:
        self.last = statement
        return self._cursor.execute(statement, *values)

    def fetchall(self) -> Any:
        return self._cursor.fetchall()


@pytest.fixture
def table(stack: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", 10)
    with source(stack) as made:
        made.sql("DROP INDEX {table}_pickup_timestamp")
        made.insert(
            *(ride(f"BK{second}", f"{DAY} 10:00:{second:02}") for second in range(COUNT)),
            ride("NONE", "infinity", drop_timestamp=None),
        )
        yield made


def windows(table: Source) -> tuple[int, str]:
    """Return how many windows the day has, and how the server finds the end of one."""
    with table.reader.day(DAY) as day, day.cursors.lend() as cursor:
        noted = Noted(cursor)
        found = day.source.dialect.windows(noted, day.source, day.start, day.end)
        step = (
            re.search(
                r'\(\s*(SELECT ride\."pickup_timestamp" .* LIMIT 1)\s*\)', noted.last, re.DOTALL
            )
            if found
            else None
        )
        first = f"timestamp '{DAY}'"  # the plan of the whole walk does not show that of its steps
        plan = (
            cursor.execute(
                f"EXPLAIN {step[1].replace('>= cab_assets_edges.edge', f'>= {first}')}"
            ).fetchall()
            if step
            else []
        )
    return len(found), "\n".join(line for (line,) in plan)


@pytest.mark.parametrize("index", ORDERED)
def test_a_day_is_walked_along_any_index_that_is_ordered(table: Source, index: str) -> None:
    table.sql(f"CREATE INDEX ON {{table}} {index}")
    count, plan = windows(table)
    assert count == COUNT // 10
    assert "Sort" not in plan
    assert "Index" in plan
    assert rows(table.reader).num_rows == COUNT


@pytest.mark.parametrize("index", UNORDERED)
def test_a_day_is_not_walked_along_an_index_that_is_not_ordered(table: Source, index: str) -> None:
    table.sql(f"CREATE INDEX ON {{table}} {index}")
    assert windows(table) == (0, "")
    assert rows(table.reader).num_rows == COUNT


def test_an_ordered_index_is_found_beside_another(table: Source) -> None:
    table.sql("CREATE INDEX ON {table} USING brin (pickup_timestamp)")
    table.sql("CREATE INDEX ON {table} (pickup_timestamp DESC NULLS LAST)")
    count, plan = windows(table)
    assert (count, "Sort" in plan) == (COUNT // 10, False)
