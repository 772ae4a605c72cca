"""Parse the JSON of clicks into the texts of their fields.

Fast path: a record with exactly 48 double quotes (12 keys and 12 string values) is parsed by
orjson. Python's `json`, which also shows duplicate keys, parses all other records (decision 7).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa

from cab_assets.tables.clicks import EVENT, POSITION

OTHER_KEYS = {
    "os_version": ("OS_version", "os_version"),
    "event_timestamp": ("timestamp\n", "timestamp"),
}
# Column -> the spellings of its key
KEYS = {column.name: OTHER_KEYS.get(column.name, (column.name,)) for column in EVENT}
COLUMN_OF = {key: name for name, keys in KEYS.items() for key in keys}
KEPT_AS_WRITTEN = frozenset(column.name for column in EVENT if column.type == "string")
first, *mixed, last = (itemgetter(*keys) for keys in product(*KEYS.values()))
# All combinations of spellings. The usual two come first: an app spells either all keys in the new
# way or none.
SPELLINGS = (first, last, *mixed)
# Number of quotes in an object that has each known key once, with a string value
QUOTES = 4 * len(KEYS)

# The texts of an event, in the order of its columns
Texts = tuple[str | None, ...]
NONE: Texts = (None,) * len(KEYS)


class Number(str):
    """A JSON number, as the text that was written."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """The members of a JSON object. A duplicate key is in it twice."""


@dataclass(frozen=True)
class Odd:
    """What is wrong with a record, apart from the values of its texts."""

    # Why it is not a JSON object
    fault: str | None = None
    # Column -> `missing` or `twice`
    faults: Mapping[str, str] = field(default_factory=dict)
    # Number of unknown keys
    extra_keys: int = 0


def take_apart(values: Iterable[bytes | None]) -> tuple[dict[str, pa.StringArray], dict[int, Odd]]:
    """Return column -> texts of all records, and record number -> what is wrong with it.

    Never raise an error.
    """
    rows, odd = [], {}
    for number, value in enumerate(values):
        texts = _plain(value)
        if texts is None:
            texts, odd[number] = _any(value)
        rows.append(texts)
    columns = zip(*rows, strict=True) if rows else [()] * len(KEYS)
    return {
        name: pa.array(column, pa.string()) for name, column in zip(KEYS, columns, strict=True)
    }, odd


def _plain(value: bytes | None) -> Texts | None:
    """Return the texts of an object that has each known key once, with a string value.

    Return None for any other record, which `_any` then reads. Such an object uses all QUOTES
    quotes of the record, so the record cannot have another key or a duplicate one.
    """
    if value is None or value.count(b'"') != QUOTES:
        return None
    try:
        members = orjson.loads(value)
    except ValueError:
        return None
    for spelling in SPELLINGS:
        try:
            texts: Texts = spelling(members)
            # Raises TypeError unless all values are strings
            "".join(texts)  # type: ignore[arg-type]
        except KeyError:
            continue
        except TypeError:
            break
        return texts
    return None


def _any(value: bytes | None) -> tuple[Texts, Odd]:
    if value is None:
        return NONE, Odd("value_is_null")
    try:
        found = json.loads(
            value.decode("utf-8-sig"),
            object_pairs_hook=Members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_number,
        )
        # An unpaired surrogate such as \ud800 cannot be encoded either
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError:
        return NONE, Odd("not_utf8")
    except (ValueError, RecursionError):
        return NONE, Odd("not_json")
    return _fields(found) if isinstance(found, Members) else (NONE, Odd("not_an_object"))


def _fields(members: Members) -> tuple[Texts, Odd]:
    given: dict[str, list[Any]] = {name: [] for name in KEYS}
    for key, value in members:
        given.get(COLUMN_OF.get(key, ""), []).append(value)
    texts = tuple(
        _text(name, *values) if len(values) < 2 else None for name, values in given.items()
    )
    faults = {
        name: "twice" if values else "missing"
        for name, values in given.items()
        if len(values) > 1 or not (values or name in POSITION)
    }
    return texts, Odd(faults=faults, extra_keys=sum(key not in COLUMN_OF for key, _ in members))


def _text(name: str, value: Any = None) -> str | None:
    """Return the text of a value. Numbers and flags may be JSON numbers and booleans.

    Return None for a type that the column cannot have. The position of a click may be missing or
    null; its text is then empty.
    """
    if value is None and name in POSITION:
        return ""
    if isinstance(value, bool):
        value = Number(str(value).lower())
    return (
        value
        if isinstance(value, str) and not (isinstance(value, Number) and name in KEPT_AS_WRITTEN)
        else None
    )


def _no_number(text: str) -> None:
    raise ValueError(f"JSON has no {text}")
