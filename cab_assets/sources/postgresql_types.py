"""The types of PostgreSQL, and the SQL of their values."""

import re

from cab_assets.declarations import Column
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.source_types import SourceTypes

INTEGERS = "bigint|integer|smallint"
NUMERIC = r"numeric(\(\d+,-?\d+\))?"
TIMESTAMP = r"timestamp(\(\d\))? with(out)? time zone"
DOUBLE = f"double precision|real|{NUMERIC}|{INTEGERS}"
# Types whose values are texts as they are
TEXTS = r"text|character varying(\(\d+\))?"
# The type of texts that are padded with blanks
PADDED = r"character\(\d+\)"
TYPES = SourceTypes(
    accepted={
        "string": ".*",
        "boolean": "boolean",
        "int": f"{INTEGERS}|{NUMERIC}",
        "bigint": f"{INTEGERS}|{NUMERIC}",
        "decimal": f"{INTEGERS}|{NUMERIC}",
        "double": DOUBLE,
        "date": "date",
        "timestamp": TIMESTAMP,
        "binary": "bytea",
    },
    sure={
        "string": ".*",
        "int": "integer|smallint",
        "bigint": INTEGERS,
        "double": DOUBLE,
        "timestamp": TIMESTAMP,
    },
    decimal="numeric",
)
# [first, end) of the times that Hive and Python can represent
CALENDAR = ("timestamp '0001-01-01'", "timestamp '10000-01-01'")


def value(dialect: Dialect, column: Column, source_type: str) -> str:
    """Return the SQL expression of a column's value as it arrives."""
    name = dialect.quoted(column.source_name)
    match column.type:
        case "timestamp":
            first, end = (dialect.wall_clock(edge, source_type) for edge in CALENDAR)
            known = f"{name} >= {first} AND {name} < {end}"
            return f"CASE WHEN {known} THEN {dialect.wall_clock(name, source_type)} END"
        case "double":
            return name if source_type == "double precision" else f"{name}::double precision"
        case "binary":
            return f"encode({name}, 'hex')"
        case "int" | "bigint" if dialect.types.arrives_as(column, source_type) == column.type:
            return name
        case "string" if re.fullmatch(TEXTS, source_type):
            return name
    # Of a decimal too: text is as exact as numeric, and costs less CPU
    return f"{name}::text"


def hashed_type(column: Column, source_type: str) -> str:
    """Return the type as which a value is hashed: of what is imported as a text, text.

    As a number, 1.0 would hash like 1.00.
    """
    is_text = re.fullmatch(f"{TEXTS}|{PADDED}", source_type)
    return "text" if column.type == "string" and not is_text else source_type
