"""Generated clicks, as the app sends them.

Every value is a string, flags are Yes and No, and the time has a newline in its name and value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count as numbers
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.dev.sample.bookings import APP_VERSIONS, SYSTEMS
from cab_assets.dev.sample.poison import POISONS

BOOKING_PAGE = "e7bc5fb2-1231-11eb-adc1-0242ac120002"
BOOK_NOW = "fcba68aa-1231-11eb-adc1-0242ac120002"
PAGES = [
    BOOKING_PAGE,
    "3b0a5a52-6f0e-5d0c-9f43-6a2f0c1d7e11",
    "8c4d9e07-2a61-5b7f-8e35-d1b09a6c4f22",
]
BUTTONS = [BOOK_NOW, "51f6c3b8-94d2-5e1a-a7c0-2e8b6d05f933", "d7e2a091-0c5b-5f48-b316-7f94c8e3a044"]
FLAGS = ["Yes", "No"]

FIELDS = ["customer_id", "app_version", "OS_version", "lat", "lon", "page_id", "button_id"]
FIELDS += ["is_button_click", "is_page_view", "is_scroll_up", "is_scroll_down", r"timestamp\n"]
FORMATS = ["%d", "%s", "%s", "%.6f%s", "%.6f", *["%s"] * 6, r"%s\n"]
QUIRKY = (
    "{" + ", ".join(f'"{name}": "{form}"' for name, form in zip(FIELDS, FORMATS, strict=True)) + "}"
)
# Some versions of the app send these field names, without newlines
CLEAN = QUIRKY.replace(r"\n", "").replace("OS_version", "os_version")
CLEAN_SHARE = 0.1

# Records that are generated at once, in about 0.03 s
CHUNK = 10_000
DAY_SECONDS = 86_400
# Share of clicks at 00:00:00, and again at 23:59:59: they show if the limits of a day are wrong
EDGE_SHARE = 0.001
# Maximum number of days by which a late click is older
LATEST_DAYS = 3
KINDS = ["poison", "late", "repeat", "click"]
POISON, LATE, REPEAT, CLICK = range(4)

# One of KINDS, and the record's value
Labelled = tuple[str, bytes | None]


@dataclass(frozen=True, kw_only=True)
class Feed:
    """An endless sequence of clicks on `days` days from `start` on.

    `poison`, `late` and `repeat` are shares of all records: malformed, late and repeated ones.

    The same feed always generates the same records. Another share changes only the records of its
    kind. A late click is one to three days older than without this share, but not older than
    `earliest`.
    """

    seed: int = 1
    start: date = date(2020, 1, 1)
    days: int = 30
    earliest: date | None = None
    poison: float = 0
    late: float = 0
    repeat: float = 0

    def __iter__(self) -> Iterator[Labelled]:
        for number in numbers():
            yield from _chunk(self, np.random.default_rng([self.seed, number]))


def clicks(
    count: int | None,
    *,
    seed: int = 1,
    start: date = date(2020, 1, 1),
    days: int = 30,
    poison: float = 0,
    late: float = 0,
    repeat: float = 0,
) -> Iterator[bytes | None]:
    """Return the values of the first `count` records of a Feed, or of all (None: a tombstone)."""
    feed = Feed(seed=seed, start=start, days=days, poison=poison, late=late, repeat=repeat)
    return (value for _, value in islice(feed, count))


def _chunk(feed: Feed, rng: np.random.Generator) -> Iterator[Labelled]:
    """Return the next records. The random draws are the same whatever the shares are."""
    columns, seconds = _columns(rng), _seconds(rng, feed.days)
    older = rng.integers(1, LATEST_DAYS + 1, CHUNK) * DAY_SECONDS
    kinds = np.searchsorted(
        np.cumsum([feed.poison, feed.late, feed.repeat]), rng.random(CHUNK), side="right"
    )
    values: list[bytes | None] = list(
        _written(rng, columns, _times(feed, np.where(kinds == LATE, seconds - older, seconds)))
    )
    _repeat(rng, kinds, values)
    _poison(rng, kinds, values)
    return zip((KINDS[each] for each in kinds), values, strict=True)


def _repeat(
    rng: np.random.Generator, kinds: npt.NDArray[np.int64], values: list[bytes | None]
) -> None:
    """Replace each repeat by a valid record before it. If there is none yet, make it a click."""
    good = np.flatnonzero((kinds == LATE) | (kinds == CLICK))
    draw = rng.random(CHUNK)
    for each in np.flatnonzero(kinds == REPEAT):
        if before := int(np.searchsorted(good, each)):
            values[each] = values[good[int(draw[each] * before)]]
        else:
            kinds[each] = CLICK


def _poison(
    rng: np.random.Generator, kinds: npt.NDArray[np.int64], values: list[bytes | None]
) -> None:
    makers = list(POISONS.values())
    draw = rng.integers(0, len(makers), CHUNK)
    for each in np.flatnonzero(kinds == POISON):
        values[each] = makers[draw[each]](values[each] or b"")


def _columns(rng: np.random.Generator) -> list[list[object]]:
    """Return all fields except the time, in order.

    The latitude is two columns: half of the values have a seventh decimal, 5.
    """
    choices = [PAGES, BUTTONS, FLAGS, FLAGS, FLAGS, FLAGS]
    return [
        rng.integers(10_000_000, 100_000_000, CHUNK).tolist(),
        _one_of(rng, APP_VERSIONS),
        _one_of(rng, SYSTEMS),
        (rng.integers(-89_999_999, 90_000_000, CHUNK) / 1_000_000).tolist(),
        _one_of(rng, ["", "5"]),
        (rng.integers(-180_000_000, 180_000_001, CHUNK) / 1_000_000).tolist(),
        *(_one_of(rng, each) for each in choices),
    ]


def _one_of(rng: np.random.Generator, choices: list[str]) -> list[object]:
    return [choices[each] for each in rng.integers(0, len(choices), CHUNK).tolist()]


def _seconds(rng: np.random.Generator, days: int) -> npt.NDArray[np.int64]:
    """Return seconds since the first day's midnight."""
    of_day = rng.integers(0, DAY_SECONDS, CHUNK)
    edge = rng.random(CHUNK)
    of_day = np.where(
        edge < EDGE_SHARE, 0, np.where(edge < 2 * EDGE_SHARE, DAY_SECONDS - 1, of_day)
    )
    return rng.integers(0, days, CHUNK) * DAY_SECONDS + of_day


def _times(feed: Feed, seconds: npt.NDArray[np.int64]) -> list[str]:
    """Return the times as the app writes them.

    A time before the earliest day is moved to that day, at the same time of day.
    """
    first = ((feed.earliest or feed.start) - feed.start).days * DAY_SECONDS
    seconds = np.where(seconds < first, first + seconds % DAY_SECONDS, seconds)
    times = pa.array(np.datetime64(feed.start, "s") + seconds.astype("timedelta64[s]"))
    return list(pc.strftime(times, format="%Y-%m-%d %H:%M:%S").to_pylist())


def _written(
    rng: np.random.Generator, columns: list[list[object]], times: list[str]
) -> Iterator[bytes]:
    templates = np.where(rng.random(CHUNK) < CLEAN_SHARE, CLEAN, QUIRKY).tolist()
    for template, *values in zip(templates, *columns, times, strict=True):
        yield (template % tuple(values)).encode()
