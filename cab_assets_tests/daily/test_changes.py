import pytest

from cab_assets.daily.changes import changed_days, days_of, days_to_import
from cab_assets.sources.fingerprint import Fingerprint

DAY = "2020-01-01"


def seen(
    rows: int = 2, fare: str | None = "20.00", tip: str | None = "1.00", row_hash: int | None = 7
) -> Fingerprint:
    return Fingerprint(rows=rows, totals={"fare": fare, "tip": tip}, row_hash=row_hash)


PUBLISHED = seen()
EMPTY = seen(0, None, None, 0)


@pytest.mark.parametrize(
    ("source", "published", "changed"),
    [
        pytest.param({DAY: seen()}, {DAY: PUBLISHED}, [], id="as published"),
        pytest.param({DAY: seen(row_hash=None)}, {DAY: PUBLISHED}, [], id="sums as published"),
        pytest.param({DAY: seen(rows=3)}, {DAY: PUBLISHED}, [DAY], id="late row"),
        pytest.param({DAY: seen(fare="20.01", row_hash=None)}, {DAY: PUBLISHED}, [DAY], id="fare"),
        pytest.param({DAY: seen(fare=None)}, {DAY: PUBLISHED}, [DAY], id="no fare any more"),
        pytest.param({DAY: seen(tip="1.01")}, {DAY: PUBLISHED}, [DAY], id="tip"),
        pytest.param({DAY: seen(row_hash=8)}, {DAY: PUBLISHED}, [DAY], id="only the hash"),
        pytest.param({}, {DAY: PUBLISHED}, [DAY], id="all rows deleted"),
        pytest.param({DAY: seen()}, {}, [DAY], id="never published"),
        pytest.param({}, {DAY: EMPTY}, [], id="empty and published so"),
    ],
)  # fmt: skip
def test_a_day_is_changed_when_anything_differs(
    source: dict[str, Fingerprint], published: dict[str, Fingerprint], changed: list[str]
) -> None:
    assert changed_days(source, published) == changed


def test_days_are_asked_for_as_ranges_without_those_a_run_is_at() -> None:
    changed = ["2020-02-28", "2020-02-29", "2020-03-01", "2020-03-03", "2020-03-04"]
    assert days_to_import(changed, busy=["2020-03-03", "2020-03-09"]) == [
        ("2020-02-28", "2020-03-01"),
        ("2020-03-04", "2020-03-04"),
    ]


def test_a_busy_day_parts_a_range() -> None:
    assert days_to_import([DAY, "2020-01-02", "2020-01-03"], busy=["2020-01-02"]) == [
        (DAY,) * 2,
        ("2020-01-03",) * 2,
    ]


def test_nothing_changed_asks_for_nothing() -> None:
    assert days_to_import([], busy=[DAY]) == []


def test_days_from_one_to_another_include_both_across_a_leap_day() -> None:
    assert days_of("2020-02-28", "2020-03-01") == ["2020-02-28", "2020-02-29", "2020-03-01"]
    assert days_of(DAY, DAY) == [DAY]
