"""Rides whose values are at the edges of their types, or by chance anywhere in them."""

import math
import random
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake
from cab_assets.store.manifest import Manifest
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import bookings_day

Ride = dict[str, Any]

TEXTS = [
    "",
    " ",
    "tail  ",
    "NULL",
    "\\N",
    ",",
    "'\"\\",
    "\t\r\n",
    "\x01\x1e\x1f\x7f",
    "a\x1eb",
    "\x1f",
]
TEXTS += [
    "é",
    "e\u0301",
    "\ufeffBOM",
    "\uffff",
    "नमस्ते",
    "😀",
    "\U0002f800",
    "\U000e0001",
    "\U0010ffff",
    "ж😀" * 9_000,
]
EDGES: dict[str, list[Any]] = {
    "string": TEXTS,
    "bigint": [0, -1, 2**63 - 1, -(2**63), 1 - 2**63, 2**53 + 1],
    "int": [0, -1, 2**31 - 1, -(2**31)],
    "double": [
        0.0,
        -0.0,
        5e-324,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        -1.0,
        0.1,
        1 / 3,
    ],
    "decimal(12,2)": [
        Decimal(each) for each in ("0.00", "-0.01", "0.10", "9999999999.99", "-9999999999.99")
    ],
    "timestamp": [
        "0001-01-01 00:00:00",
        "1582-10-10 12:00:00",
        "1969-12-31 23:59:59.999999",
        "9999-12-31 23:59:59.999999",
    ],
}


def odd_rides(
    day: date, count: int, more: Mapping[str, Sequence[Any]], *, seed: int = 7
) -> list[Ride]:
    """Return rides of a day; `more` are edges of the database's own, by type."""
    chance = random.Random(seed)
    return [
        _ride(
            day,
            number,
            {kind: [*edges, *more.get(kind, ())] for kind, edges in EDGES.items()},
            chance,
        )
        for number in range(count)
    ]


def _ride(day: date, number: int, edges: Mapping[str, list[Any]], chance: random.Random) -> Ride:
    """Each edge comes up at least once in as many rides as there are."""
    values = {
        each.name: _value(each.type, edges[each.type], number + place, chance)
        for place, each in enumerate(BOOKINGS.columns)
    }
    text = _text(chance) if number % 2 else TEXTS[number % len(TEXTS)]
    return values | {
        "booking_id": f"{number}-{text[:30]}",
        "pickup_timestamp": _pickup(day, number, chance),
    }


def _value(kind: str, edges: list[Any], number: int, chance: random.Random) -> Any:
    if number % 4 == 0:
        return ANY[kind](chance)
    if number % 9 == 0:
        return None
    return edges[number % len(edges)]


def _pickup(day: date, number: int, chance: random.Random) -> str:
    return f"{day} " + (
        "00:00:00" if number == 0 else "23:59:59.999999" if number == 1 else a_time(chance)
    )


def a_time(chance: random.Random) -> str:
    hour, minute, second = (chance.randrange(end) for end in (24, 60, 60))
    return f"{hour:02}:{minute:02}:{second:02}.{chance.randrange(10**6):06}"


def _text(chance: random.Random) -> str:
    planes = [(1, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    return "".join(chr(chance.randint(*chance.choice(planes))) for _ in range(chance.randrange(30)))


def _double(chance: random.Random) -> float:
    (found,) = struct.unpack("d", chance.randbytes(8))
    return found if math.isfinite(found) else 0.5


ANY: dict[str, Callable[[random.Random], Any]] = {
    "string": _text,
    "bigint": lambda chance: chance.randint(-(2**63), 2**63 - 1),
    "int": lambda chance: chance.randint(-(2**31), 2**31 - 1),
    "double": _double,
    "decimal(12,2)": lambda chance: Decimal(chance.randint(1 - 10**12, 10**12 - 1)).scaleb(-2),
    "timestamp": lambda chance: (
        f"{chance.randint(1, 9999):04}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        f" {a_time(chance)}"
    ),
}


def written(lake: Lake, manifest: Manifest) -> list[Ride]:
    """Return the rows of a version's files."""
    folder = bookings_day(lake, manifest.day).folder(manifest.version)
    return [
        row
        for file in manifest.files
        for row in pq.read_table(f"{folder}/{file.name}", filesystem=lake.files).to_pylist()
    ]


def sent(rows: Iterable[Sequence[Any]]) -> list[Ride]:
    """Return rows of the database as a file should hold them; its times are texts."""
    kinds = {column.name: column.type for column in BOOKINGS.columns}
    named = (dict(zip(BOOKINGS.names, row, strict=True)) for row in rows)
    return [
        {name: _real(value) if kinds[name] == "timestamp" else value for name, value in row.items()}
        for row in named
    ]


def _real(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def by_key(rows: Iterable[Ride]) -> dict[str, dict[str, str]]:
    """As texts: of numbers, -0.0 is not 0.0, and NaN is NaN."""
    return {row["booking_id"]: {name: repr(value) for name, value in row.items()} for row in rows}


CHANGES: dict[str, list[tuple[Any, Any]]] = {  # (before, after)
    "string": [
        ("a", "b"),
        ("a", None),
        (None, ""),
        ("white", "White"),
        ("a", "a "),
        ("é", "e\u0301"),
        ("é", "e"),
        ("😀", "😁"),
        ("ß", "ss"),
    ],
    "bigint": [(1, 2), (1, -1), (0, None), (2**63 - 1, 2**63 - 2), (2**53, 2**53 + 1)],
    "int": [(1, 2), (1, -1), (0, None), (2**31 - 1, -(2**31))],
    "double": [
        (1.0, 1.0000000000000002),
        (0.1, -0.1),
        (0.0, None),
        (0.0, -0.0),
        (5e-324, 0.0),
        (1.7976931348623157e308, 1.7976931348623155e308),
    ],
    "decimal(12,2)": [
        (Decimal("1.00"), Decimal("1.01")),
        (Decimal("0.00"), None),
        (Decimal("9999999999.99"), Decimal("-9999999999.99")),
    ],
    "timestamp": [
        ("2020-09-01 10:00:00", "2020-09-01 10:00:00.000001"),
        ("2020-09-01 10:00:00", "2020-09-01 11:00:00"),
    ],
}
DROPS: list[tuple[Any, Any]] = [
    ("2020-09-01 10:00:00", None),
    ("0001-01-01 00:00:00", "0001-01-01 00:00:01"),
]


def changes(no_times: Sequence[str]) -> list[Any]:
    """Return (column, before, after) of one change of each kind to each column."""
    drops = [*DROPS, *((each, None) for each in no_times)]
    found = [(each.name, *pair) for each in BOOKINGS.columns for pair in CHANGES[each.type]]
    keys = [each for each in found if each[0] == "booking_id" and None in each]
    return [each for each in found if each not in keys] + [
        ("drop_timestamp", *pair) for pair in drops
    ]
