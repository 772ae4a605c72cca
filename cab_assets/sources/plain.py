"""Some rows of a day, read by the plain driver: not packed, not through ConnectorX."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from cab_assets.declarations import ROW_HASH, Column, SourceTable
from cab_assets.sources.source import Source
from cab_assets.sources.source_day import SourceDay

Row = dict[str, Any]
# The values of a row's key
Key = tuple[Any, ...]


def key_of(table: SourceTable, row: Mapping[str, Any]) -> Key:
    """Return a row's key. A float is its text: NaN equals no number, not even itself."""
    values = (row[name] for name in table.key)
    return tuple(repr(value) if isinstance(value, float) else value for value in values)


def plain_rows(day: SourceDay, wanted: Sequence[Mapping[str, Any]]) -> dict[Key, list[Row]]:
    """Return key -> rows of the day with that key, on MySQL with their hashes.

    `wanted` are rows of which only keys and days are used. An index finds the days' times. A key
    that is not found at its time is searched for in the whole day.
    """
    source, declared = day.source, day.source.declared
    keys = {key_of(declared, row): row for row in wanted}
    times = {literal for row in wanted for literal in _literals(source, row[declared.day])}
    found = _rows(day, keys.values(), f"{source.day_column} IN ({', '.join(sorted(times))})")
    missing = [row for key, row in keys.items() if key not in found]
    return found | _rows(day, missing, source.within(day.start, day.end))


def _literals(source: Source, at: date) -> set[str]:
    """Return SQL for a date or local time; a local time can be two instants."""
    moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)  # noqa: DTZ001
    return {source.dialect.bound(moment.replace(fold=fold), source.day_type) for fold in (0, 1)}


def _rows(
    day: SourceDay, wanted: Collection[Mapping[str, Any]], condition: str
) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    if not wanted:
        return found
    source, declared = day.source, day.source.declared
    # Without a shared snapshot, the hash shows whether a row changed since it was read
    row_hash = "NULL" if day.shares_a_snapshot else source.row_hash
    values = ", ".join([*(_plain(source, column) for column in declared.columns), row_hash])
    query = f"SELECT {values} FROM {source.table} WHERE {condition} AND {_key(source)} IN"
    # The drivers read `%` as the start of a parameter
    query = f"{query.replace('%', '%%')} ({_marks(len(declared.key), len(wanted))})"
    with day.cursors.lend() as cursor:
        cursor.execute(query, tuple(row[name] for row in wanted for name in declared.key))
        for *row, hashed in cursor.fetchall():
            pairs = zip(declared.columns, row, strict=True)
            named = {each.name: _stored(each, value) for each, value in pairs}
            found[key_of(declared, named)].append(named | {ROW_HASH: hashed})
    return found


def _key(source: Source) -> str:
    """Return SQL for the key, which can be compared with the key of a written row."""
    columns = map(source.declared.column, source.declared.key)
    parts = [
        source.value(each) if each.type in ("string", "double", "timestamp") else source.sql(each)
        for each in columns
    ]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _marks(columns: int, rows: int) -> str:
    marks = ", ".join(["%s"] * columns)
    return ", ".join([marks if columns == 1 else f"({marks})"] * rows)


def _plain(source: Source, column: Column) -> str:
    """Return SQL for the column in a form that the driver reads without loss.

    Dates and times are text, because neither driver can represent every one of its server. PyMySQL
    would read only six digits of a float, and a number as a character if it is a bit.
    """
    name, source_type = source.sql(column), source.type_of(column)
    match column.type:
        case "date":
            return f"concat('', {name})"
        case "timestamp":
            return f"concat('', {source.dialect.wall_clock(name, source_type)})"
        case "double" if source_type.startswith(("real", "float")):
            return source.value(column)
        # PostgreSQL pads such a text with blanks
        case "string" if source_type.startswith("character("):
            return f"rtrim({name}, ' ')"
        case "string":
            return source.value(column)
        case _ if source_type.startswith("bit("):
            return f"{name} + 0"
    return name


def _stored(column: Column, value: Any) -> Any:
    """Convert a value of the driver to what reading the Parquet file returns for it."""
    match column.type:
        case "double" if value is not None:
            return float(value)
        case "timestamp":
            return _parsed(datetime, value or "")
        case "date":
            return _parsed(date, value or "")
        case "binary" if value is not None:
            return bytes(value)
    return value


def _parsed(kind: type[date], text: str) -> date | None:
    """Return the date or time, or None if it is invalid: infinity, a zero date, the year 10000."""
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return None
