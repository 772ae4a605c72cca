"""Windows of a day that PostgreSQL packs one by one."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from cab_assets.sources.dialect import Window
from cab_assets.sources.source import Source

# 5 MB on the server, on the way and here; 25,000 take 4 % longer, 12,500 more still
WINDOW_ROWS = 20_000
# From index entry to index entry; one that is its own next ends it before the NULL that is the
# day's end. The table may have any name, and columns of any name.
EDGES = """WITH RECURSIVE cab_assets_edges (edge) AS (
    SELECT {start} UNION SELECT (
        SELECT ride.{day} FROM {table} AS ride
        WHERE ride.{day} >= cab_assets_edges.edge AND ride.{day} < {end}
        ORDER BY 1 {nulls} OFFSET {rows} LIMIT 1
    ) FROM cab_assets_edges WHERE edge IS NOT NULL
) SELECT {edge} FROM cab_assets_edges"""
# Only a B-tree gives rows in order. Where it puts NULL (bit 0 of indoption: descending, bit 1: NULL
# first), of which no window has any, decides whether it serves an ORDER BY.
INDEXED = """SELECT CASE WHEN indoption[0] IN (1, 2) THEN 'NULLS FIRST' ELSE 'NULLS LAST' END
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = index.relam
    WHERE indrelid = to_regclass(%s) AND attname = '{day}' AND indisvalid AND indpred IS NULL AND amname = 'btree'"""  # noqa: E501


def windows(cursor: Any, source: Source, start: datetime, end: datetime) -> list[Window]:
    """Return windows of WINDOW_ROWS rows.

    None without an index that finds their rows, or when one moment holds more.
    """
    day, kind = source.declared.day, source.day_type
    indexed = cursor.execute(INDEXED.format(day=day), (source.name,)).fetchone()
    if not indexed:
        return []
    # The planner cannot know how few rows each step wants
    cursor.execute("SET LOCAL enable_sort = off")
    cursor.execute(
        EDGES.format(
            day=day,
            edge=source.dialect.wall_clock("edge", kind),
            table=source.name,
            start=source.dialect.bound(start, kind),
            end=source.dialect.bound(end, kind),
            nulls=indexed[0],
            rows=WINDOW_ROWS,
        )
    )
    edges = {edge for (edge,) in cursor.fetchall()}
    if None not in edges:
        return []
    # A clock that is set back shows them in another order, or outside
    inside = sorted(edge for edge in edges - {None} if start < edge < end)
    return list(pairwise([start, *inside, end]))
