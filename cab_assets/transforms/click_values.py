"""What the texts in a click's JSON mean. Nothing here raises, whatever the text; NULL: it means nothing.

Each type has one meaning, told text by text, and a way through Arrow that reads a whole column of plain texts at once.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BOUNDS = {"customer_id": (0, 2**63 - 1), "lat": (-90.0, 90.0), "lon": (-180.0, 180.0)}
BLANKS = " \t\n\v\f\r"
WHOLE_NUMBER = re.compile(r"[-+]?\d{1,19}", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(\.\d{1,6})?)", re.ASCII)
SECONDS = len("2020-09-14 09:59:07")  # no other form that Arrow reads without a zone is of that length
SAFE_DIGITS = 18  # any such number fits
FLAGS = {"Yes": True, "true": True, "No": False, "false": False}


def read(name: str, kind: str, texts: pa.StringArray) -> pa.Array:
    """The column's values; NULL where a text means none, or one out of bounds."""
    at_once, one, arrow_type = READERS[kind]
    try:
        values = at_once(texts)
    except pa.ArrowInvalid:
        values = pa.array([None if text is None else one(text) for text in texts.to_pylist()], arrow_type)
    if name not in BOUNDS:
        return values
    low, high = BOUNDS[name]
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    return values if pc.all(inside, skip_nulls=False, min_count=0).as_py() else pc.if_else(inside, values, None)


def _whole_numbers(texts: pa.StringArray) -> pa.Array:
    plain = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), SAFE_DIGITS))
    return _all(plain, texts).cast(pa.int64())


def _whole_number(text: str) -> int | None:
    trimmed = text.strip(BLANKS)
    number = int(trimmed) if WHOLE_NUMBER.fullmatch(trimmed) else None
    return number if number is not None and abs(number) < 2**63 else None


def _degrees(texts: pa.StringArray) -> pa.Array:
    return texts.cast(pa.float64())  # of what is no number in JSON it reads inf and nan, which are out of all bounds


def _degree(text: str) -> float | None:
    number = text.strip(BLANKS)
    return float(number) if NUMBER.fullmatch(number) else None


def _as_written(texts: pa.StringArray) -> pa.Array:
    return _all(pc.and_(pc.not_equal(texts, ""), pc.invert(pc.match_substring(texts, "\x00"))), texts)


def _one_as_written(text: str) -> str | None:
    return text if text and "\x00" not in text else None  # tools written in C cut a text off at a NUL


def _flags(texts: pa.StringArray) -> pa.Array:
    place = pc.index_in(texts, pa.array(list(FLAGS)), skip_nulls=True)
    return pc.less(_all(pc.or_(pc.is_valid(place), pc.is_null(texts)), place), list(FLAGS).index("No"))


def _flag(text: str) -> bool | None:
    return FLAGS.get(text.strip(BLANKS))


def _moments(texts: pa.StringArray) -> pa.Array:
    trimmed = pc.ascii_rtrim(texts, "\n")
    return _all(pc.equal(pc.binary_length(trimmed), SECONDS), trimmed).cast(pa.timestamp("us"))


def _moment(text: str) -> int | None:
    """Microseconds, of years that Python's datetime does not know as well."""
    found = MOMENT.fullmatch(text.strip(BLANKS))
    try:
        return int(np.datetime64(f"{found[1]}T{found[2]}", "us").astype(np.int64)) if found else None
    except ValueError:
        return None


def _all(plain: pa.BooleanArray, values: pa.Array) -> pa.Array:
    """The values if all that are there are plain; pa.ArrowInvalid otherwise."""
    if pc.all(plain, min_count=0).as_py():
        return values
    raise pa.ArrowInvalid("not all are plain")


READERS: dict[str, tuple[Callable[[pa.StringArray], pa.Array], Callable[[str], Any], pa.DataType]] = {
    "bigint": (_whole_numbers, _whole_number, pa.int64()),
    "double": (_degrees, _degree, pa.float64()),
    "string": (_as_written, _one_as_written, pa.string()),
    "boolean": (_flags, _flag, pa.bool_()),
    "timestamp": (_moments, _moment, pa.timestamp("us")),
}
