import json
import random
from collections.abc import Iterator
from itertools import islice

from cab_assets.dev.sample.clicks import clicks
from cab_assets.transforms import click_json
from cab_assets.transforms.click_json import NONE, Odd

SIGNS = [*b'"\\{}[]:,. \n\t\x00-+0123456789eEnulYsTZ\xc3\xa9\xff']
WORDS = [
    b'"',
    b'""',
    b": null",
    b'"lat": "1", ',
    b', "lat": "1"',
    b'"OS_version"',
    b'"os_version"',
    b'"timestamp"',
    b"\\u0000",
    b"\\ud834",
    b"1e400",
    b"{}",
    b"[]",
    b"\xef\xbb\xbf",
    b'""',
    b"FALSE",
    b"2020-09-14T09:59:07.123Z",
    b"1600057747",
    b"+05:30",
]


def mutated(seed: int, count: int) -> Iterator[bytes]:
    """Clicks as the app sends them, each with a few bytes replaced, inserted or left out."""
    chance = random.Random(seed)
    for value in islice(clicks(count), count):
        changed = bytearray(value or b"")
        for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
            at = chance.randrange(len(changed))
            changed[at : at + chance.choice([0, 1, 2])] = chance.choice(
                [b"", bytes([chance.choice(SIGNS)]), chance.choice(WORDS)]
            )
        yield bytes(changed)


def test_a_record_that_is_plain_holds_nothing_else() -> None:
    values = list(mutated(1, 20_000))
    plain = {value: texts for value in values if (texts := click_json._plain(value)) is not None}
    assert {value: click_json._any(value) for value in plain} == {
        value: (texts, Odd()) for value, texts in plain.items()
    }
    assert len(plain) > len(values) / 4


def test_a_key_twice_is_not_plain_even_with_as_many_quotes() -> None:
    names = [keys[0] for keys in click_json.KEYS.values()]
    members = (
        [(name, '"1"') for name in names[:-2]]
        + [(name, "null") for name in names[-2:]]
        + [("lat", "2")] * 2
    )
    value = ("{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in members) + "}").encode()
    assert value.count(b'"') == click_json.QUOTES
    texts, odd = click_json.take_apart([value])
    assert odd == {0: Odd(faults={"lat": "twice"})}
    assert texts["lat"].to_pylist() == [None]


def test_nothing_raises() -> None:
    values = [None, b"", b"\xff", *mutated(2, 2000)]
    texts, odd = click_json.take_apart(values)
    assert {len(column) for column in texts.values()} == {len(values)}
    assert all(
        tuple(column[row].as_py() for column in texts.values()) == NONE
        for row, each in odd.items()
        if each.fault
    )
