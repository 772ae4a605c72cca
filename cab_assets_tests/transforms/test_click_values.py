"""Values of clicks that are made to cost time."""

import string

import pyarrow as pa
import pytest

from cab_assets.transforms.click_values import read

LONG = 300_000


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["double", "bigint", "timestamp", "boolean"])
@pytest.mark.parametrize("each", [*"1.+-e: T", string.ascii_letters])
def test_a_text_of_any_length_is_rejected_in_no_time(kind: str, each: str) -> None:
    text = (each * LONG)[:LONG]
    values = read("lat" if kind == "double" else "x", kind, pa.array([text + "x"]), "UTC")
    assert values.to_pylist() == [None]
