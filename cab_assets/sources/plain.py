"""Some rows of a day as the plain driver gives them: not packed, not by ConnectorX."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from cab_assets.schemas import BOOKINGS, Column
from cab_assets.sources.source_day import ROW_HASH, SourceDay

Row = dict[str, Any]


def plain_rows(day: SourceDay, wanted: Collection[tuple[str, datetime]]) -> dict[str, list[Row]]:
    """Return the rows of the day by key, on MySQL with their hashes.

    `wanted` are keys and pickup times.

    An index finds the times. A key that is not there at its time is looked for in the whole day.
    """
    keys, pickup = {key for key, _ in wanted}, day.shape["pickup_timestamp"]
    moments = {
        day.dialect.bound(at.replace(fold=fold), pickup) for _, at in wanted for fold in (0, 1)
    }
    found = _rows(day, keys, f"pickup_timestamp IN ({', '.join(sorted(moments))})")
    return found | _rows(day, keys - found.keys(), day.dialect.between(pickup, day.start, day.end))


def _rows(day: SourceDay, keys: Collection[str], condition: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    if not keys:
        return found
    # Compared with those that were read
    row_hash = "NULL" if day.shares_a_snapshot else day.row_hash
    values = ", ".join([*(_plain(day, column) for column in BOOKINGS.columns), row_hash])
    marks = ", ".join(["%s"] * len(keys))
    query = f"SELECT {values} FROM {day.table} WHERE {condition} AND booking_id IN ({marks})"
    with day.cursors.lend() as cursor:
        cursor.execute(query, tuple(keys))
        for *row, hashed in cursor.fetchall():
            named = {
                each.name: _stored(each, value)
                for each, value in zip(BOOKINGS.columns, row, strict=True)
            }
            found[named["booking_id"]].append(named | {ROW_HASH: hashed})
    return found


def _plain(day: SourceDay, column: Column) -> str:
    """Return the column as the driver gives it whole.

    Neither driver has every time of its server, and PyMySQL gets six digits of a float.
    """
    name, source_type = column.name, day.shape[column.name]
    match column.type:
        case "timestamp":
            return f"concat('', {day.dialect.wall_clock(name, source_type)})"
        case "double" if source_type in ("real", "float"):
            return day.dialect.value(column, source_type)
        case "string" if source_type.startswith("character("):  # PostgreSQL's padding
            return f"rtrim({name}, ' ')"
    return name


def _stored(column: Column, value: Any) -> Any:
    """Return a value of the driver as a Parquet file of ours gives it."""
    match column.type:
        case "double" if value is not None:
            return float(value)
        case "timestamp":
            return _time(value or "")
    return value


def _time(text: str) -> datetime | None:
    """Return the time, or None if it is in no calendar: infinity, a zero date, the year 10000."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
