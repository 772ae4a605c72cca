"""Values that arrive as text become values of their columns, exactly or not at all."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from cab_assets.declarations import Column
from cab_assets.sources.settled import settled
from cab_assets.sources.unfit import fits


def one(kind: str, text: str | None) -> Any:
    column = Column("value", kind, "a value")
    rows = pa.RecordBatch.from_arrays([pa.array([text], pa.string())], ["value"])
    return settled(rows, [column])["value"][0].as_py()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("decimal(12,2)", "9999999999.99000", Decimal("9999999999.99")),
        ("decimal(12,2)", "-0.10", Decimal("-0.10")),
        ("decimal(38,10)", "0" * 40 + "1.5" + "0" * 40, Decimal("1.5000000000")),
        ("decimal(38,10)", f"{'9' * 28}.{'9' * 10}", Decimal(f"{'9' * 28}.{'9' * 10}")),
        ("decimal(5,0)", "100", Decimal(100)),
        ("bigint", "9223372036854775807.000", 2**63 - 1),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("int", "-2147483648", -(2**31)),
        ("int", "0.00", 0),
        ("boolean", "true", True),
        ("boolean", "0", False),
        ("date", "0001-01-01", date(1, 1, 1)),
        ("binary", "", b""),
        ("binary", "00fF", b"\x00\xff"),
        ("string", "1.50", "1.50"),
    ],
)
def test_a_text_becomes_its_value(kind: str, text: str, value: Any) -> None:
    assert one(kind, text) == value
    assert one(kind, None) is None
    assert kind in ("string", "binary") or fits(Column("value", kind, "a value"), text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("decimal(12,2)", "12345678901.00"),
        ("decimal(12,2)", "12345678901"),
        ("decimal(12,2)", "1.005"),
        ("decimal(12,2)", "NaN"),
        ("decimal(38,10)", "1" * 60),
        ("bigint", "9223372036854775808"),
        ("bigint", "0.5"),
        ("int", "2147483648"),
        ("int", "-Infinity"),
        ("boolean", "2"),
        ("date", "10000-01-01"),
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
    ],
)
def test_a_text_that_does_not_fit_is_rejected_and_found(kind: str, text: str) -> None:
    with pytest.raises(pa.ArrowInvalid):
        one(kind, text)
    assert not fits(Column("value", kind, "a value"), text)
