"""Parsers for the text of a variable.

Each returns the value, or raises ValueError with the form that the text must have.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

# The longest time span of a variable: Python cannot subtract much longer ones from a date
CENTURY = timedelta(36_500)
LAKE_FORM = "file:///…, hdfs://host:port/… or s3://bucket/…"


def variable(
    parse: Callable[[str], Any], why: str, default: str | None = None, *, secret: bool = False
) -> Any:
    """Declare a variable: how its text is parsed, its purpose, and its default (None: not set)."""
    return Field(
        default,
        validate_default=True,
        description=why,
        repr=not secret,
        json_schema_extra={"parse": parse},
    )  # type: ignore[call-overload]


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def matching(pattern: str, form: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must have the form {form}")
        return text.rstrip("/")

    return parse


def at_least(minimum: int, maximum: float = float("inf")) -> Callable[[str], int]:
    limits = f", {minimum} or more" if maximum == float("inf") else f" from {minimum} to {maximum}"

    def parse(text: str) -> int:
        if not text.isdigit() or not minimum <= int(text) <= maximum:
            raise ValueError(f"must be an integer{limits}")
        return int(text)

    return parse


def number(minimum: float, maximum: float = float("inf")) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"\d+(\.\d+)?", text) or not minimum <= float(text) <= maximum:
            limits = (
                f", {minimum:g} or more"
                if maximum == float("inf")
                else f" from {minimum:g} to {maximum:.15g}"
            )
            raise ValueError(f"must be a number{limits}")
        return float(text)

    return parse


def exact(value: float) -> str:
    """Return a number as text without an exponent."""
    return f"{Decimal(repr(value)):f}"


class Duration(timedelta):
    """A time span whose text is a valid value of a variable, such as 86400s."""

    def __str__(self) -> str:
        return f"{exact(self.total_seconds())}s"


def duration(text: str) -> Duration:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise ValueError("must be a number with its unit s, m, h or d, as in 24h")
    seconds = float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
    if seconds > CENTURY.total_seconds():
        raise ValueError(f"must be at most {CENTURY.days}d")
    return Duration(seconds=seconds)


def readable(text: str) -> Path:
    try:
        Path(text).read_bytes()
    except OSError as error:
        raise ValueError(f"must be a file that can be read: {error.strerror}") from error
    return Path(text).absolute()


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a zone of the tz database, as in Asia/Kolkata") from error


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a day, as in 2020-01-01") from error


def lake_root(text: str) -> str:
    """Return the URL of a lake. Its path must mean the same folder to Python, Spark and Hive."""
    root = matching(r"(file:///[^/]|hdfs://[^/\s]+/|s3://[^/@\s]+(?:/|$)).*", LAKE_FORM)(text)
    if odd := re.search(r"[#?*\[\]{}\\\x00-\x1f\x7f]", root):
        raise ValueError(
            f"must not contain {odd[0]!r}, which Spark or Hive does not read as part of a path"
        )
    if re.match(r"hdfs://[^/]+/.*:", root):
        raise ValueError("must not contain ':' in its path, which HDFS rejects in names")
    if any(part in ("", ".", "..") for part in root.split("/")[3:]):
        raise ValueError("must not contain //, /./ or /../, which Spark and Hive remove from paths")
    return root
