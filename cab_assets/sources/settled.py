"""Convert the values that arrive as text to the types of their columns."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.declarations import Column

# The zeros at the end of a fraction, and the fraction without them
ZEROS, NO_ZEROS = r"\.0*$|(\.\d*[1-9])0+$", r"\1"
INTEGER = pa.decimal128(38, 0)


def settled(rows: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    """Return these columns of some rows, each in its own type.

    Raise ArrowInvalid if a value does not fit its column. No value is rounded.
    """
    values = [_settled(column, rows[column.name]) for column in columns]
    schema = pa.schema([(column.name, column.arrow_type) for column in columns])
    return pa.RecordBatch.from_arrays(values, schema=schema)


def _settled(column: Column, values: pa.Array) -> pa.Array:
    if values.type == column.arrow_type:
        return values
    match column.type:
        case "binary":
            sent = values.to_pylist()
            return pa.array([text and bytes.fromhex(text) for text in sent], pa.binary())
        case "int" | "bigint":
            return _without_zeros(values).cast(INTEGER).cast(column.arrow_type)
        case "boolean" | "date":
            return values.cast(column.arrow_type)
    return _without_zeros(values).cast(column.arrow_type)


def _without_zeros(numbers: pa.Array) -> pa.Array:
    """Return decimal texts without the zeros at their end, which may exceed the column's scale."""
    return pc.replace_substring_regex(numbers, ZEROS, NO_ZEROS)
