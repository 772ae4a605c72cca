"""The settings of every PostgreSQL session of the pipeline, and the lock on the table.

With them, settings of a role, a database or a pool cannot change a value or a row count. They are
set inside a transaction (SET LOCAL), so a pool cannot pass them on to another program.
"""

from typing import Any

SETTINGS = {
    "client_encoding": "UTF8",
    # Raise an error instead of hiding rows
    "row_security": "off",
    "timezone": "UTC",
    "timezone_abbreviations": "Default",
    "datestyle": "ISO, YMD",
    # The shortest text that is read back as the same number
    "extra_float_digits": "1",
    # Types are compared by name, without quotes
    "quote_all_identifiers": "off",
}
# The server's own functions come first and temporary tables last, so that neither can be replaced;
# the role's search path between them decides which schema the table is in
SEARCH_PATH = (
    "SELECT set_config('search_path', concat_ws(', ', 'pg_catalog',"
    " nullif(current_setting('search_path'), ''), 'pg_temp'), true)"
)
NEWEST = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def begin(cursor: Any, mode: str, *first: str, wait: str) -> None:
    """Begin a transaction with the pipeline's settings.

    `first` are statements that PostgreSQL requires before any other. `wait` limits the wait for a
    lock, such as '60s'.
    """
    settings = SETTINGS | {"lock_timeout": wait}
    local = [f"SET LOCAL {name} = '{value}'" for name, value in settings.items()]
    cursor.execute("; ".join([mode, *first, *local]))


def lock(cursor: Any, table: str) -> None:
    """Lock the table in ACCESS SHARE mode, with its partitions and the tables that a view reads.

    A SELECT does it, because LOCK TABLE rejects a materialized view, and a user that may read only
    some of the columns.
    """
    cursor.execute(SEARCH_PATH)
    (found,) = cursor.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if found:
        cursor.execute(f"SELECT FROM {table} LIMIT 0")
