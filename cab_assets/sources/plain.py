"""Some rows of a day, read by the plain driver: not packed, not through ConnectorX."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from cab_assets.schemas import Column
from cab_assets.sources.source import ROW_HASH, Source
from cab_assets.sources.source_day import SourceDay

Row = dict[str, Any]


def plain_rows(day: SourceDay, wanted: Collection[tuple[str, datetime]]) -> dict[str, list[Row]]:
    """Return key -> rows of the day with that key, on MySQL with their hashes.

    `wanted` are keys and pickup times. An index finds the times. A key that is not found at its
    time is searched for in the whole day.
    """
    source, keys = day.source, {key for key, _ in wanted}
    bound, kind = source.dialect.bound, source.day_type
    moments = {bound(at.replace(fold=fold), kind) for _, at in wanted for fold in (0, 1)}
    found = _rows(day, keys, f"{source.declared.day} IN ({', '.join(sorted(moments))})")
    return found | _rows(day, keys - found.keys(), source.within(day.start, day.end))


def _rows(day: SourceDay, keys: Collection[str], condition: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    if not keys:
        return found
    source, (key, *_) = day.source, day.source.declared.key
    # Without a shared snapshot, the hash shows whether a row changed since it was read
    row_hash = "NULL" if day.shares_a_snapshot else source.row_hash
    columns = source.declared.columns
    values = ", ".join([*(_plain(source, column) for column in columns), row_hash])
    marks = ", ".join(["%s"] * len(keys))
    query = f"SELECT {values} FROM {source.name} WHERE {condition} AND {key} IN ({marks})"
    with day.cursors.lend() as cursor:
        cursor.execute(query, tuple(keys))
        for *row, hashed in cursor.fetchall():
            pairs = zip(columns, row, strict=True)
            named = {each.name: _stored(each, value) for each, value in pairs}
            found[named[key]].append(named | {ROW_HASH: hashed})
    return found


def _plain(source: Source, column: Column) -> str:
    """Return SQL for the column in a form that the driver reads without loss.

    Times are text, because neither driver can represent every time of its server. PyMySQL would
    read only six digits of a float.
    """
    name, source_type = column.name, source.shape[column.name]
    match column.type:
        case "timestamp":
            return f"concat('', {source.dialect.wall_clock(name, source_type)})"
        case "double" if source_type in ("real", "float"):
            return source.value(column)
        # PostgreSQL pads such a text with blanks
        case "string" if source_type.startswith("character("):
            return f"rtrim({name}, ' ')"
    return name


def _stored(column: Column, value: Any) -> Any:
    """Convert a value of the driver to what reading the Parquet file returns for it."""
    match column.type:
        case "double" if value is not None:
            return float(value)
        case "timestamp":
            return _time(value or "")
    return value


def _time(text: str) -> datetime | None:
    """Return the time, or None if it is invalid: infinity, a zero date, the year 10000."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
