"""The Hive type of a column of a source table."""

from typing import Any

from sqlalchemy import types as generic
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

# Digits of a number without a precision; a value that does not fit ends its day
DIGITS, SCALE = 38, 9


def hive_type(found: TypeEngine[Any]) -> str:
    """Return the type that holds the values of a column; text if there is no better one."""
    if isinstance(found, postgresql.DOMAIN):
        return hive_type(found.data_type)
    if isinstance(found, generic.Boolean) or _is_flag(found):
        return "boolean"
    if isinstance(found, generic.Integer):
        return _integer(found)
    if isinstance(found, generic.Float | mysql.DOUBLE | mysql.FLOAT):
        return "double"
    if isinstance(found, generic.Numeric):
        digits = found.precision or DIGITS
        return f"decimal({digits},{found.scale or (0 if found.precision else SCALE)})"
    if isinstance(found, generic.DateTime):
        return "timestamp"
    if isinstance(found, generic.Date):
        return "date"
    if isinstance(found, generic.LargeBinary | generic.BINARY | generic.VARBINARY):
        return "binary"
    return "string"


def _is_flag(found: TypeEngine[Any]) -> bool:
    """Return whether a column is one bit, or MySQL's tinyint(1), which BOOL is short for."""
    if isinstance(found, mysql.TINYINT):
        return found.display_width == 1
    return isinstance(found, mysql.BIT) and found.length == 1


def _integer(found: generic.Integer) -> str:
    is_unsigned = bool(getattr(found, "unsigned", False))
    small = isinstance(found, generic.SmallInteger | mysql.TINYINT | mysql.MEDIUMINT)
    if isinstance(found, generic.BigInteger) or (is_unsigned and not small):
        return "bigint"
    return "int"


def is_moment(hive: str) -> bool:
    return hive in ("timestamp", "date")


def is_amount(name: str, hive: str) -> bool:
    """Return whether the sum of a column is worth comparing: decimals that are money by name."""
    money = ("amount", "fare", "price", "tip", "fee", "total", "cost", "charge", "discount", "tax")
    return hive.startswith("decimal") and any(word in name.lower() for word in money)
