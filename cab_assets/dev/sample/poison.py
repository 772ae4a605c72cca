"""Malformed test records, such as broken apps and other programs send."""

import json
from collections.abc import Callable, Mapping

# Value of a click -> value of the malformed record; None is a tombstone
Poison = Callable[[bytes], bytes | None]


def without(field: str) -> Poison:
    return lambda click: _dumped(
        {name: value for name, value in _fields(click).items() if name != field}
    )


def having(field: str, value: object) -> Poison:
    """Return a function that replaces the value of one field of a click.

    `timestamp` is also found under its other name, with a newline.
    """
    return lambda click: _dumped(
        {name: value if name.strip() == field else old for name, old in _fields(click).items()}
    )


def _fields(click: bytes) -> dict[str, object]:
    return dict(json.loads(click))


def _dumped(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields).encode()


def _twice(click: bytes) -> bytes:
    return click[:-1] + b', "customer_id": "10000000"}'


POISONS: dict[str, Poison] = {
    "tombstone": lambda _: None,
    "empty": lambda _: b"",
    "not JSON": lambda _: b"customer_id=10000000&page_id=booking",
    "cut off": lambda click: click[: len(click) // 2],
    "two in one": lambda click: click + click,
    "null": lambda _: b"null",
    "a number": lambda _: b"42",
    "an array": lambda click: b"[" + click + b"]",
    "an object inside": having("customer_id", {"id": {"of": {"a": "customer"}}}),
    "inside an object": lambda click: b'{"event": ' + click + b"}",
    "no fields": lambda _: b"{}",
    "without customer_id": without("customer_id"),
    "without page_id": without("page_id"),
    "a value of null": having("button_id", None),
    "customer_id no number": having("customer_id", "unknown"),
    "customer_id above bigint": having("customer_id", "9" * 20),
    "lat 95": having("lat", "95.000001"),
    "lon -181": having("lon", "-181.000000"),
    "lat 1e400": having("lat", "1e400"),
    "lat NaN": having("lat", "NaN"),
    "a flag of neither": having("is_page_view", "Maybe"),
    "no such day": having("timestamp", "2020-02-30 10:00:00\n"),
    "a time of no form": having("timestamp", "yesterday\n"),
    "the year 1970": having("timestamp", "1970-01-01 00:00:00\n"),
    "the year 9999": having("timestamp", "9999-12-31 23:59:59\n"),
    "invalid UTF-8": lambda click: click.replace(
        b'"app_version": "', b'"app_version": "\xff\xfe\xc3'
    ),
    "NUL in it": lambda click: click.replace(b'"customer_id": "', b'"customer_id": "\0\0'),
    "only NUL": lambda _: bytes(64),
    "a key twice": _twice,
}
