"""What the texts in a click's JSON mean. Nothing here raises, whatever the text."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from cab_assets.schemas import EVENT

KEPT_AS_WRITTEN = tuple(column.name for column in EVENT if column.type == "string")
BOUNDS = {"customer_id": (0, 2**63 - 1), "lat": (-90, 90), "lon": (-180, 180)}
NUMBER = r"^\s*+[-+]?+\d++(?:\.\d++)?+(?:[eE][-+]?+\d++)?+\s*+$"  # the cast alone takes 1f, 0x1p3 and Infinity, too
MOMENT = r"^\s*+\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?+\s*+$"  # the cast alone takes 2020, 9:5 and a zone, which it drops
JSON_NUMBER = r'^(?:"|-?+\d++(?:\.\d++)?+(?:[eE][-+]?+\d++)?+$)'  # as `from_json` writes one; one too big is "Infinity", in quotes


def values() -> dict[str, Column]:
    """By column: its value, from the text in the column of that name; NULL: it means none."""
    read = {"bigint": _whole_number, "double": _degrees, "string": _as_written, "boolean": _flag, "timestamp": _moment}
    return {column.name: read[column.type](F.col(column.name)) for column in EVENT}


def is_usable(name: str, value: Column) -> Column:
    """Never NULL. Not part of the reading: Spark would read a value again for each time that a condition names it."""
    if name in BOUNDS:
        return F.coalesce(value.between(*BOUNDS[name]), F.lit(False))
    return F.coalesce(value != "", F.lit(False)) if name in KEPT_AS_WRITTEN else value.isNotNull()


def may_be_no_string(text: Column) -> Column:
    """Whether it reads like a JSON number, flag, list or object, which a string can do as well."""
    return text.startswith("{") | text.startswith("[") | text.isin("true", "false") | ((text < ":") & text.rlike(JSON_NUMBER))


def _whole_number(text: Column) -> Column:
    return text.try_cast("bigint")


def _degrees(text: Column) -> Column:
    return F.when(text.rlike(NUMBER), text.try_cast("double"))


def _as_written(text: Column) -> Column:
    return text


def _flag(text: Column) -> Column:
    """`Yes` and `No`, as the app writes them, and JSON's own `true` and `false`."""
    trimmed = F.when(text.rlike(r"^\s|\s$"), F.regexp_replace(text, r"^\s++|\s++$", ""))
    return _yes_or_no(text, otherwise=_yes_or_no(trimmed))


def _yes_or_no(text: Column, otherwise: Column | None = None) -> Column:
    return F.when(text.isin("Yes", "true"), True).when(text.isin("No", "false"), False).otherwise(otherwise)


def _moment(text: Column) -> Column:
    return F.when(text.rlike(MOMENT), text.try_cast("timestamp_ntz"))
