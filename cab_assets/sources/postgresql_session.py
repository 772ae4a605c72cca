"""The settings of every PostgreSQL session of ours, and the lock on the table that comes first.

What a role, a database or a pool has set changes no value and no row count. Settings are made
inside a transaction (SET LOCAL), so a pool never hands them on to another program.
"""

from typing import Any

SETTINGS = {
    "client_encoding": "UTF8",
    "row_security": "off",  # raise an error instead of hiding rows
    "timezone": "UTC",
    "timezone_abbreviations": "Default",
    "datestyle": "ISO, YMD",
    "extra_float_digits": "1",  # the shortest text that gives the same number back
    "quote_all_identifiers": "off",  # types are compared by name
}
# Built-ins first and temporary tables last; the role's own path decides which table is meant
SEARCH_PATH = (
    "SELECT set_config('search_path', concat_ws(', ', 'pg_catalog',"
    " nullif(current_setting('search_path'), ''), 'pg_temp'), true)"
)
NEWEST = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def begin(cursor: Any, mode: str, *first: str, wait: str) -> None:
    """Open a transaction with our settings; `first` are statements that PostgreSQL wants first.

    `wait` limits the wait for a lock, such as '60s'.
    """
    settings = SETTINGS | {"lock_timeout": wait}
    local = [f"SET LOCAL {name} = '{value}'" for name, value in settings.items()]
    cursor.execute("; ".join([mode, *first, *local]))


def lock(cursor: Any, table: str) -> None:
    """Lock the table in ACCESS SHARE mode, with its partitions and whatever a view reads.

    LOCK TABLE takes no materialized view, and no user that may read some columns only.
    """
    cursor.execute(SEARCH_PATH)
    (found,) = cursor.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if found:
        cursor.execute(f"SELECT FROM {table} LIMIT 0")
