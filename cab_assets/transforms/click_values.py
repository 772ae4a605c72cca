"""Convert field texts to typed values. Invalid text becomes NULL; no function raises.

Each type has a function that converts one text and defines its meaning, and a fast path by which
Arrow converts the plain texts of a column at once.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# First and last local timestamp that both Python and Hive can represent
FIRST_MOMENT = np.datetime64("0001-01-01", "us")
LAST_MOMENT = np.datetime64("9999-12-31T23:59:59.999999", "us")
# Column -> (smallest, largest valid value)
BOUNDS: dict[str, tuple[Any, Any]] = {
    "customer_id": (0, 2**63 - 1),
    "lat": (-90.0, 90.0),
    "lon": (-180.0, 180.0),
    "event_timestamp": (FIRST_MOMENT, LAST_MOMENT),
}
BLANKS = " \t\n\v\f\r"
WHOLE_NUMBER = re.compile(r"[-+]?\d{1,19}", re.ASCII)
# One way to match each text: with two, a million digits before a letter would take hours
NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
DATE, TIME = r"(\d{4}-\d\d-\d\d)", r"(\d\d:\d\d:\d\d)(\.\d{1,9})?"
# At most 14 hours
OFFSET = r"(Z|[-+](?:(?:0\d|1[0-3])(?::?[0-5]\d)?|14(?::?00)?))?"
MOMENT = re.compile(rf"{DATE}[ T]{TIME}{OFFSET}", re.ASCII)
# Seconds or milliseconds since 1970
SINCE_1970 = re.compile(r"\d{10}(\d{3})?", re.ASCII)
# Number of digits of such a time in microseconds
MICROSECONDS = 16
# Length of a plain timestamp. Arrow reads no other form without a zone that has this length.
SECONDS = len("2020-09-14 09:59:07")
# Every number with at most this many digits fits into 64 bits
SAFE_DIGITS = 18
TRUE, FALSE = ("yes", "true", "y", "1"), ("no", "false", "n", "0")
FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
PLAIN_FLAGS = [
    spelt for word in FLAGS for spelt in dict.fromkeys((word, word.upper(), word.title()))
]
PLAIN_TRUE = len([word for word in PLAIN_FLAGS if FLAGS[word.lower()]])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A day in microseconds
DAY = 24 * 3600 * 10**6
# Microseconds since 1970 of instants that Python can convert to local times of every zone
EARLIEST, LATEST = -1900 * 365 * DAY, 8000 * 365 * DAY


@dataclass(frozen=True)
class Kind:
    """How the texts of a type are converted: the plain ones at once, each other one separately."""

    # Which texts are plain
    plain: Callable[[pa.StringArray], pa.BooleanArray]
    # Convert plain texts; pa.ArrowInvalid if one of them is invalid
    at_once: Callable[[pa.StringArray], pa.Array]
    # Convert one text, given the zone of local timestamps
    one: Callable[[str, str], Any]
    type: pa.DataType


def read(name: str, kind: str, texts: pa.StringArray, zone: str) -> pa.Array:
    """Return the values of a column; NULL where a text is invalid or its value out of bounds."""
    values = _values(KINDS[kind], texts, zone)
    if name not in BOUNDS:
        return values
    low, high = BOUNDS[name]
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return (
        values
        if pc.all(inside, skip_nulls=False, min_count=0).as_py()
        else pc.if_else(inside, values, None)
    )


def are_blank(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.equal(pc.binary_length(pc.ascii_trim(texts, BLANKS)), 0)


def wall_clock(instant: int, zone: str) -> int:
    """Return the local time of a zone at an instant; both in microseconds since 1970."""
    return instant + utc_offset(instant, zone)


def utc_offset(instant: int, zone: str) -> int:
    """Return a zone's offset from UTC in microseconds, for any instant that a record can have."""
    known = EPOCH + timedelta(microseconds=min(max(instant, EARLIEST), LATEST))
    return (known.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()) // timedelta(
        microseconds=1
    )


def _values(kind: Kind, texts: pa.StringArray, zone: str) -> pa.Array:
    plain = kind.plain(texts)
    all_plain = pc.all(plain, min_count=0).as_py()
    try:
        values = kind.at_once(texts if all_plain else pc.if_else(plain, texts, None))
        if all_plain:
            return values
    except pa.ArrowInvalid:
        plain, values = pa.repeat(False, len(texts)), pa.nulls(len(texts), kind.type)
    others = pc.and_(pc.is_valid(texts), pc.invert(pc.fill_null(plain, True)))
    read_alone = [kind.one(text, zone) for text in texts.filter(others).to_pylist()]
    return pc.replace_with_mask(values, others, pa.array(read_alone, kind.type))


def _are_whole_numbers(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), SAFE_DIGITS))


def _whole_number(text: str, _: str) -> int | None:
    trimmed = text.strip(BLANKS)
    number = int(trimmed) if WHOLE_NUMBER.fullmatch(trimmed) else None
    return number if number is not None and abs(number) < 2**63 else None


def _are_not_empty(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.greater(pc.binary_length(texts), 0)


def _degrees(texts: pa.StringArray) -> pa.Array:
    # Arrow also reads inf and nan, which are not JSON numbers; both are out of bounds
    return texts.cast(pa.float64())


def _degree(text: str, _: str) -> float | None:
    number = text.strip(BLANKS)
    return float(number) if NUMBER.fullmatch(number) else None


def _are_kept_as_written(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.and_(_are_not_empty(texts), pc.invert(pc.match_substring(texts, "\x00")))


def _one_as_written(text: str, _: str) -> str | None:
    # Tools written in C end a text at a NUL
    return text if text and "\x00" not in text else None


def _are_flags(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.or_kleene(pc.is_null(texts), pc.is_in(texts, pa.array(PLAIN_FLAGS)))


def _flags(texts: pa.StringArray) -> pa.Array:
    return pc.less(pc.index_in(texts, pa.array(PLAIN_FLAGS), skip_nulls=True), PLAIN_TRUE)


def _flag(text: str, _: str) -> bool | None:
    return FLAGS.get(text.strip(BLANKS).lower())


def _are_moments(texts: pa.StringArray) -> pa.BooleanArray:
    return pc.equal(pc.binary_length(pc.ascii_rtrim(texts, "\n")), SECONDS)


def _moments(texts: pa.StringArray) -> pa.Array:
    return pc.ascii_rtrim(texts, "\n").cast(pa.timestamp("us"))


def _moment(text: str, zone: str) -> int | None:
    """Return the local time in microseconds since 1970, or None if the text is invalid."""
    trimmed = text.strip(BLANKS)
    if SINCE_1970.fullmatch(trimmed):
        return wall_clock(int(trimmed.ljust(MICROSECONDS, "0")), zone)
    if not (found := MOMENT.fullmatch(trimmed)):
        return None
    date, time, fraction, offset = found.groups("")
    try:
        written = int(np.datetime64(f"{date}T{time}{fraction[:7]}", "us").astype(np.int64))
    except ValueError:
        return None
    return wall_clock(written - _offset(offset), zone) if offset else written


def _offset(text: str) -> int:
    """Return an ISO 8601 offset in microseconds; positive means ahead of UTC."""
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if text[0] == "-" else minutes) * 60 * 10**6


KINDS = {
    "bigint": Kind(
        _are_whole_numbers, lambda texts: texts.cast(pa.int64()), _whole_number, pa.int64()
    ),
    "double": Kind(_are_not_empty, _degrees, _degree, pa.float64()),
    "string": Kind(_are_kept_as_written, lambda texts: texts, _one_as_written, pa.string()),
    "boolean": Kind(_are_flags, _flags, _flag, pa.bool_()),
    "timestamp": Kind(_are_moments, _moments, _moment, pa.timestamp("us")),
}
