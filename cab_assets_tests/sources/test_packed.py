"""Bookings that the server packs column by column, held against the same rows asked for
one by one.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from cab_assets.sources import postgresql_windows, windows
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.odd_values import a_time
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

DAY = date(2020, 9, 1)
AT = f"{DAY} 10:00:00"
TEXTS = ["", "NULL", ",", "a\x1eb", "'\"\\\n\t", "नमस्ते 🚕", "x" * 30, None]
ODD: dict[str, list[Any]] = {
    "string": TEXTS,
    "bigint": [0, -1, 2**63 - 1, 1 - 2**63, None],
    "int": [0, -1, 2**31 - 1, -(2**31), None],
    "double": [0.0, -0.5, 1.7e308, 5e-324, float("-inf"), None],
    "decimal(12,2)": ["0.00", "-1.00", "9999999999.99", "-9999999999.99", "0.10", None],
    "timestamp": [
        f"{DAY} 12:30:00.123456",
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59.999999",
        "infinity",
        "-infinity",
        None,
    ],
}


def odd_rides(count: int, *, pickup: str | None = None) -> list[dict[str, Any]]:
    """Each column is at times NULL, and at its limits."""
    chance = random.Random(7)
    free = [
        column
        for column in BOOKINGS.columns
        if column.name not in ("booking_id", "pickup_timestamp")
    ]
    return [
        ride(
            f"BK{number}",
            pickup or f"{DAY} {a_time(chance)}",
            **{column.name: chance.choice(ODD[column.type]) for column in free},
        )
        for number in range(count)
    ]


def read(pipeline: Pipeline) -> tuple[pa.Table, int, int]:
    """What the day's slices hold, the sum of their hashes, and what the source says this is."""
    with pipeline.db.day(DAY) as source:
        control = source.control_totals().fingerprint
        slices = list(source.slices())
    return (
        pa.Table.from_batches([each.rows for each in slices], BOOKINGS.arrow_schema),
        sum(each.row_hash for each in slices) % 2**64,
        int(control.row_hash or 0),
    )


def is_like_source(pipeline: Pipeline) -> None:
    found, row_hash, expected = read(pipeline)
    columns = ", ".join(
        f"CASE WHEN isfinite({name}) THEN {name} END" if name == "drop_timestamp" else name
        for name in BOOKINGS.names
    )
    # As text, in which NaN is like NaN
    by_key = sorted(str(tuple(row.values())) for row in found.to_pylist())
    assert by_key == sorted(str(row) for row in pipeline.sql(f"SELECT {columns} FROM {{table}}"))
    assert row_hash == expected


@pytest.fixture
def unaided(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row is read by itself."""
    monkeypatch.setattr(SourceDay, "_one_by_one", None)


@pytest.mark.usefixtures("unaided")
@pytest.mark.parametrize("window_rows", [1000, 40, 1])
def test_every_value_arrives_as_it_is_in_one_window_or_in_many(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, window_rows: int
) -> None:
    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", window_rows)
    pipeline.insert(*odd_rides(200))
    is_like_source(pipeline)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("cab_color", "a\x1fb"),
        ("cab_color", "\x1e"),
        ("customer_id", -(2**63)),
        ("drop_lat", float("nan")),
    ],
)
def test_a_window_with_a_value_that_stands_for_something_else_is_read_otherwise(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, column: str, value: object
) -> None:
    one_by_one = SourceDay._one_by_one
    otherwise: list[str] = []

    def noted(day: SourceDay, start: datetime, end: datetime) -> Iterator[Slice]:
        otherwise.append("its own" if str(start) <= AT < str(end) else "another")
        return one_by_one(day, start, end)

    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", 2)
    monkeypatch.setattr(SourceDay, "_one_by_one", noted)
    pipeline.insert(*odd_rides(20), ride("BK20", AT, cab_registration_no=None, **{column: value}))
    is_like_source(pipeline)
    assert otherwise == ["its own"]


@pytest.mark.usefixtures("unaided")
def test_a_string_that_stands_for_null_is_none_where_nothing_is_null(pipeline: Pipeline) -> None:
    pipeline.insert(ride("BK1", AT, cab_color="\x1e"))
    is_like_source(pipeline)


@pytest.mark.usefixtures("unaided")
def test_columns_of_the_source_may_have_any_name(pipeline: Pipeline) -> None:
    pipeline.insert(*odd_rides(20))
    pipeline.sql(
        "ALTER TABLE {table} ADD first timestamp DEFAULT now(), ADD last timestamp DEFAULT now(),"
        " ADD number int DEFAULT 3"
    )
    is_like_source(pipeline)


@pytest.mark.parametrize("at", [None, AT])
def test_a_day_is_not_packed_without_an_index_or_when_a_moment_holds_too_many(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, at: str | None
) -> None:
    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", 19)
    monkeypatch.setattr(windows, "_read", None)
    pipeline.insert(*odd_rides(20, pickup=at))
    if at is None:
        pipeline.sql(f"DROP INDEX {pipeline.table}_pickup_timestamp")
    is_like_source(pipeline)


def test_an_empty_day_has_no_rows(pipeline: Pipeline) -> None:
    assert read(pipeline)[0].num_rows == 0
