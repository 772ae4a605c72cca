"""The types of MySQL and MariaDB, and the SQL of their values."""

import re

from cab_assets.declarations import Column
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql_hash import TEXT_MARKS
from cab_assets.sources.source_types import SourceTypes

INTEGER = r"(tiny|small|medium|big)?int(\(\d+\))?( unsigned)?( zerofill)?"
DECIMAL = r"decimal\(\d+,\d+\)( unsigned)?( zerofill)?"
FLOATING = r"(float|double)(\(\d+,\d+\))?( unsigned)?( zerofill)?"
NUMBER = rf"{INTEGER}|{DECIMAL}|year(\(\d+\))?|bit\(\d+\)"
TIMESTAMP = r"(datetime|timestamp)(\(\d\))?"
# Types whose values are texts as they are, and types that have no text
TEXTS = rf"((var)?char\(\d+\)|(tiny|medium|long)?text){TEXT_MARKS}"
BYTES = r"(var)?binary\(\d+\)|(tiny|medium|long)?blob"
SHAPES = r"geometry|point|linestring|polygon|multi\w+|geom\w+|bit\(\d+\)|vector\(\d+\)"
SMALL = r"(tiny|small|medium)int(\(\d+\))?( unsigned( zerofill)?)?"
TYPES = SourceTypes(
    accepted={
        "string": rf"(?!({BYTES}|{SHAPES})$).*",
        "boolean": r"tinyint\(1\)|bit\(1\)",
        "int": NUMBER,
        "bigint": NUMBER,
        "decimal": NUMBER,
        "double": f"{FLOATING}|{DECIMAL}|{INTEGER}",
        "date": "date",
        "timestamp": TIMESTAMP,
        "binary": BYTES,
    },
    sure={
        "string": ".*",
        "int": rf"{SMALL}|int(\(\d+\))?",
        "bigint": rf"{SMALL}|int(\(\d+\))?( unsigned( zerofill)?)?|bigint(\(\d+\))?",
        "double": ".*",
        "timestamp": TIMESTAMP,
    },
    decimal="decimal",
    # ConnectorX has decimals of 28 digits, 10 of them after the point
    most=(28, 10),
)


def value(dialect: Dialect, column: Column, source_type: str) -> str:
    """Return the SQL expression of a column's value as it arrives."""
    name = dialect.quoted(column.source_name)
    match column.type:
        case "timestamp":
            return dialect.wall_clock(real(name), source_type)
        case "date":
            return f"cast({real(name)} AS char)"
        case "double":
            return name if source_type == "double" else f"{name} + 0e0"
        case "binary":
            return f"hex({name})"
        case "string":
            return name if re.fullmatch(TEXTS, source_type) else f"cast({name} AS char)"
    if dialect.types.arrives_as(column, source_type) == column.type:
        return name
    # As text, a bit would be a character
    return f"cast({name} + 0 AS char)" if source_type.startswith("bit") else f"cast({name} AS char)"


def real(name: str) -> str:
    """Return SQL for a date or time that is NULL if it is not in the calendar."""
    return f"CASE WHEN {is_real(name)} THEN {name} END"


def is_real(name: str) -> str:
    """Return the SQL condition of a date or time whose date is in the calendar.

    A zero date or partial date has no day number (NULL). 31 February has the number of 2 March.
    """
    return f"from_days(to_days({name})) = date({name})"
