"""The JSON of a click, taken apart into the texts of its fields."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa

from cab_assets.schemas import EVENT, POSITION

OTHER_KEYS = {
    "os_version": ("OS_version", "os_version"),
    "event_timestamp": ("timestamp\n", "timestamp"),
}
# Of a column: each is one spelling
KEYS = {column.name: OTHER_KEYS.get(column.name, (column.name,)) for column in EVENT}
COLUMN_OF = {key: name for name, keys in KEYS.items() for key in keys}
KEPT_AS_WRITTEN = frozenset(column.name for column in EVENT if column.type == "string")
first, *mixed, last = (itemgetter(*keys) for keys in product(*KEYS.values()))
SPELLINGS = (first, last, *mixed)  # an app spells either all keys in the new way or none
QUOTES = 4 * len(KEYS)  # in an object of our keys whose values are strings

Texts = tuple[str | None, ...]  # of the columns of an event, in their order
NONE: Texts = (None,) * len(KEYS)


class Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object, with a key given twice in it twice."""


@dataclass(frozen=True)
class Odd:
    """What is to be said of a record beside its texts."""

    fault: str | None = None  # why it is no object of JSON
    faults: Mapping[str, str] = field(default_factory=dict)  # by column: `missing` or `twice`
    extra_keys: int = 0


def take_apart(values: Iterable[bytes | None]) -> tuple[dict[str, pa.StringArray], dict[int, Odd]]:
    """Return, by column, the text of each record, and by number, what is wrong with a record.

    Never raises.
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
    """Return the texts of a record that is one object of our keys, each once, all strings.

    Return None for any other record: `_any` reads it. Strings for all our keys take all the quotes
    there are, so no other key is there, and none is twice.
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
            "".join(texts)  # type: ignore[arg-type]  # raises unless all are strings
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
        # An escape like \ud800 alone is no character either
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
    """Return the text of a value: numbers and flags need not be strings.

    Return None for a type that means nothing here.
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
