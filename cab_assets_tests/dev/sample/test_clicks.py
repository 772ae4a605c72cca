import json
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from cab_assets.dev.sample.clicks import BOOK_NOW, BOOKING_PAGE, Feed, clicks
from cab_assets.dev.sample.poison import POISONS

MARCH = date(2020, 3, 1)
NAMES = ["customer_id", "app_version", "OS_version", "lat", "lon", "page_id", "button_id"]
NAMES += ["is_button_click", "is_page_view", "is_scroll_up", "is_scroll_down", "timestamp\n"]
CLEAN_NAMES = [name.strip().replace("OS", "os") for name in NAMES]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    assert len(fields) == len(pairs)
    return fields


def read(value: bytes | None) -> dict[str, str]:
    """A click by its clean names; what is none fails."""
    assert value is not None
    fields = json.loads(value, object_pairs_hook=unique)
    assert list(fields) in (NAMES, CLEAN_NAMES)
    return {
        name.strip().replace("OS", "os"): text.removesuffix("\n") for name, text in fields.items()
    }


def time_of(value: bytes | None) -> datetime:
    return datetime.fromisoformat(read(value)["timestamp"])


def is_usable(value: bytes | None) -> bool:
    try:
        click = read(value)
        numbers = (
            int(click["customer_id"]) < 2**63
            and abs(float(click["lat"])) <= 90
            and abs(float(click["lon"])) <= 180
        )
        flags = {text for name, text in click.items() if name.startswith("is_")} <= {"Yes", "No"}
        return numbers and flags and 2020 <= time_of(value).year < 2100
    except (AssertionError, ValueError, TypeError, AttributeError):
        return False


@pytest.fixture(scope="module")
def many() -> list[bytes | None]:
    return list(clicks(20_000, start=MARCH, days=5))


def test_the_same_arguments_give_the_same_clicks_and_another_seed_gives_others(
    many: list[bytes | None],
) -> None:
    assert list(clicks(20_000, start=MARCH, days=5)) == many
    assert not set(clicks(100, seed=2, start=MARCH, days=5)) & set(many)


def test_more_clicks_begin_with_the_first_ones(many: list[bytes | None]) -> None:
    assert list(clicks(7, start=MARCH, days=5)) == many[:7]
    assert list(islice(clicks(None, start=MARCH, days=5), 15_000)) == many[:15_000]


def test_a_click_is_the_same_on_every_machine_and_has_every_quirk() -> None:
    assert (
        next(clicks(1))
        == b'{"customer_id": "52586982", "app_version": "2.3.28", "OS_version": "iOS", "lat":'
        b' "-71.4687185", "lon": "115.988790", "page_id":'
        b' "3b0a5a52-6f0e-5d0c-9f43-6a2f0c1d7e11", "button_id":'
        b' "d7e2a091-0c5b-5f48-b316-7f94c8e3a044", "is_button_click": "Yes", "is_page_view":'
        b' "No", "is_scroll_up": "Yes", "is_scroll_down": "Yes", "timestamp\\n": "2020-01-24'
        b' 10:11:11\\n"}'
    )


def test_every_click_is_usable_and_no_two_are_equal(many: list[bytes | None]) -> None:
    assert all(map(is_usable, many))
    assert len(set(many)) == len(many)


def test_a_tenth_comes_from_a_cleaner_app(many: list[bytes | None]) -> None:
    assert 1_500 < sum(list(json.loads(each or b"")) == CLEAN_NAMES for each in many) < 2_500


def test_flags_are_independent_and_the_booking_button_is_among_the_rest(
    many: list[bytes | None],
) -> None:
    read_ones = [read(each) for each in many]
    flags = Counter(
        tuple(text for name, text in each.items() if name.startswith("is_")) for each in read_ones
    )
    assert len(flags) == 16
    booked = sum(
        (each["page_id"], each["button_id"], each["is_button_click"])
        == (BOOKING_PAGE, BOOK_NOW, "Yes")
        for each in read_ones
    )
    assert 800 < booked < 1_400


def test_coordinates_have_six_decimals_and_half_of_the_latitudes_seven(
    many: list[bytes | None],
) -> None:
    decimals = {
        name: Counter(len(read(each)[name].partition(".")[2]) for each in many)
        for name in ("lat", "lon")
    }
    assert decimals["lon"].keys() == {6}
    assert decimals["lat"].keys() == {6, 7}
    assert abs(decimals["lat"][6] - decimals["lat"][7]) < 1_000


def test_clicks_are_on_all_of_the_days_from_the_first_second_to_the_last(
    many: list[bytes | None],
) -> None:
    times = [time_of(each) for each in many]
    assert {each.date() for each in times} == {MARCH + timedelta(day) for day in range(5)}
    assert {str(each.time()) for each in times} > {"00:00:00", "23:59:59"}


def test_late_clicks_are_one_to_three_days_older_and_the_others_as_ever(
    many: list[bytes | None],
) -> None:
    feed = Feed(start=MARCH, days=5, earliest=date(2020, 2, 1), late=0.05)
    older = Counter(
        (kind, (time_of(value) - time_of(usual)).days)
        for (kind, value), usual in zip(islice(feed, 20_000), many, strict=True)
    )
    assert older.keys() == {("click", 0), ("late", -1), ("late", -2), ("late", -3)}
    assert 800 < sum(number for (kind, _), number in older.items() if kind == "late") < 1_200


def test_no_late_click_is_before_the_earliest_day() -> None:
    times = [time_of(each) for each in clicks(2_000, start=MARCH, days=2, late=1)]
    assert {each.date() for each in times} == {MARCH}


def test_repeats_are_earlier_clicks_byte_by_byte(many: list[bytes | None]) -> None:
    seen: set[bytes | None] = set()
    kinds: Counter[str] = Counter()
    for (kind, value), usual in zip(
        islice(Feed(start=MARCH, days=5, repeat=0.3), 20_000), many, strict=True
    ):
        assert value in seen if kind == "repeat" else value == usual
        seen.add(value)
        kinds[kind] += 1
    assert 5_500 < kinds["repeat"] < 6_500


def test_poison_is_none_of_it_usable_and_leaves_the_others_as_they_are(
    many: list[bytes | None],
) -> None:
    records = list(zip(islice(Feed(start=MARCH, days=5, poison=0.05), 20_000), many, strict=True))
    assert not [value for (kind, value), _ in records if kind == "poison" and is_usable(value)]
    assert all(value == usual for (kind, value), usual in records if kind == "click")
    assert 800 < sum(kind == "poison" for (kind, _), _ in records) < 1_200


@pytest.mark.parametrize("kind", POISONS)
def test_each_kind_of_poison_is_unusable_whichever_app_it_comes_from(kind: str) -> None:
    assert not [click for click in clicks(50) if is_usable(POISONS[kind](click or b""))]
