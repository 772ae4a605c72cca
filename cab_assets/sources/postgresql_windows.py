"""Divide a day into windows, each of which PostgreSQL packs into one row."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from cab_assets.sources.dialect import Window
from cab_assets.sources.source import Source

# Rows of a window, which take 5 MB on the server, on the way and here. Larger and smaller windows
# were slower.
WINDOW_ROWS = 20_000
# Step through the index, WINDOW_ROWS entries at a time. The step past the last entry is NULL. UNION
# ends the recursion before that if a step makes no progress, because more rows than fit into a
# window have the same timestamp. The names here must not clash with any table or column.
EDGES = """WITH RECURSIVE cab_assets_edges (edge) AS (
    SELECT {start} UNION SELECT (
        SELECT ride.{day} FROM {table} AS ride
        WHERE ride.{day} >= cab_assets_edges.edge AND ride.{day} < {end}
        ORDER BY 1 {nulls} OFFSET {rows} LIMIT 1
    ) FROM cab_assets_edges WHERE edge IS NOT NULL
) SELECT {edge}::timestamp FROM cab_assets_edges"""
# Only a B-tree returns rows in order. Whether an ORDER BY can use it depends on where it sorts NULL
# (bit 0 of indoption: descending, bit 1: NULL first), although no window has a NULL.
INDEXED = """SELECT CASE WHEN indoption[0] IN (1, 2) THEN 'NULLS FIRST' ELSE 'NULLS LAST' END
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_am ON pg_am.oid = index.relam
    WHERE indrelid = to_regclass(%s) AND attname = %s AND indisvalid AND indpred IS NULL AND amname = 'btree'"""  # noqa: E501


def windows(cursor: Any, source: Source, start: datetime, end: datetime) -> list[Window]:
    """Divide [start, end) into windows of WINDOW_ROWS rows.

    Return an empty list if no index finds their rows, or if more rows have the same timestamp.
    """
    day, kind = source.declared.column(source.declared.day), source.day_type
    indexed = cursor.execute(INDEXED, (source.table, day.source_name)).fetchone()
    if not indexed:
        return []
    # The planner does not know how few rows a step reads, and might sort instead of using the index
    cursor.execute("SET LOCAL enable_sort = off")
    cursor.execute(
        EDGES.format(
            day=source.day_column,
            edge=source.dialect.wall_clock("edge", kind),
            table=source.table,
            start=source.dialect.bound(start, kind),
            end=source.dialect.bound(end, kind),
            nulls=indexed[0],
            rows=WINDOW_ROWS,
        )
    )
    edges = {edge for (edge,) in cursor.fetchall()}
    if None not in edges:
        return []
    # Where the clock is set back, local times are not in the order of the index, or lie outside
    inside = sorted(edge for edge in edges - {None} if start < edge < end)
    return list(pairwise([start, *inside, end]))
