from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.declarations import Column, Table
from cab_assets.store import audit, writer
from cab_assets.store.audit import VersionContents, read_back
from cab_assets.store.key_hashes import key_hashes
from cab_assets.store.stored_day import StoredDay
from cab_assets_tests.versions import written

SEATS = Table(
    "seats",
    "One row per seat",
    "day",
    ("cab", "seat"),
    (
        Column("cab", "string", ""),
        Column("seat", "string", ""),
        Column("price", "decimal(12,2)", ""),
    ),
    1,
)
Keys = Sequence[tuple[str | None, str | None]]
SEAT_KEYS = [
    ("a", "1"),
    ("a", "2"),
    ("ab", "1"),
    ("a", "b1"),
    ("", "a1"),
    ("a1", ""),
    ("é", "赤"),
    ("x" * 40, "y" * 9),
    ("x" * 40, "y" * 8),
]


def batch(keys: Keys) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{"cab": cab, "seat": seat, "price": None} for cab, seat in keys], schema=SEATS.arrow_schema
    )


def prints(keys: Keys) -> list[int]:
    return [int(each) for each in key_hashes(batch(keys), SEATS)]


def audited(root: str, keys: Keys) -> VersionContents:
    day = StoredDay(SEATS, Lake(f"file://{root}"), "2020-01-01")
    files = written(day, "1", [batch(keys[:2]), batch(keys[2:])])
    return read_back(day, "1", files, summed=["price"])


def test_a_key_has_the_same_print_whatever_is_beside_it() -> None:
    together = prints([*SEAT_KEYS, ("w" * 500, "w" * 300)])
    assert together[:-1] == [prints([key])[0] for key in SEAT_KEYS]


def test_a_slice_has_the_prints_of_its_own_rows() -> None:
    assert [int(each) for each in key_hashes(batch(SEAT_KEYS).slice(3, 4), SEATS)] == prints(
        SEAT_KEYS
    )[3:7]


def test_keys_of_a_million_have_prints_of_their_own() -> None:
    keys = pa.array([f"BK{number}" for number in range(100_000_000, 101_000_000)])
    words = pa.RecordBatch.from_arrays(
        [keys, keys, pa.nulls(len(keys), pa.decimal128(12, 2))], schema=SEATS.arrow_schema
    )
    assert len(np.unique(key_hashes(words, SEATS))) == len(keys)


@pytest.mark.parametrize(
    ("repeated", "first"), [(0, None), (1, ("a", "1")), (1, ("x" * 40, "y" * 9))]
)
def test_a_repeated_key_is_counted_also_in_another_batch(
    tmp_path: Path, repeated: int, first: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 2)
    apart = [key for key in SEAT_KEYS if "" not in key]  # no two share a print
    assert audited(str(tmp_path), [*apart, *([first] if first else [])]).repeated_keys == repeated


def test_the_first_keys_that_are_repeated_or_not_there_are_named(tmp_path: Path) -> None:
    repeated = [(cab, "1") for cab in "dcba"] * 3
    contents = audited(
        str(tmp_path), [("e", "1"), *repeated, *((None, str(seat)) for seat in range(9))]
    )
    assert (contents.repeated_keys, contents.nulls) == (8, {"cab": 9, "seat": 0})
    assert contents.repeated == [f"cab {cab}, seat 1" for cab in "abc"]
    assert contents.keyless == [f"seat {seat}" for seat in range(3)]


def test_two_keys_that_share_a_print_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        audit, "key_hashes", lambda rows, _: np.zeros(rows.num_rows, dtype=np.uint64)
    )
    assert audited(str(tmp_path), SEAT_KEYS).repeated_keys == 0


def test_an_absent_part_of_a_key_is_not_an_empty_one(tmp_path: Path) -> None:
    keys = list(product(["a", "", None], ["b", "", None]))
    contents = audited(str(tmp_path), keys)
    assert (contents.repeated_keys, contents.nulls) == (0, {"cab": 3, "seat": 3})
