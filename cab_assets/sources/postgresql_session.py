"""The settings of every PostgreSQL session of the pipeline, and the lock on the table.

With them, settings of a role, a database or a pool cannot change a value or a row count. They are
set inside a transaction (SET LOCAL), so a pool cannot pass them on to another program.
"""

from typing import Any

from cab_assets.sources.failures import ReplicaBehind

SETTINGS = {
    "client_encoding": "UTF8",
    # Raise an error instead of hiding rows
    "row_security": "off",
    "timezone": "UTC",
    "timezone_abbreviations": "Default",
    "datestyle": "ISO, YMD",
    # The texts of intervals, bytes and money
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "lc_monetary": "C",
    # The shortest text that is read back as the same number
    "extra_float_digits": "1",
    # Types are compared by name, without quotes
    "quote_all_identifiers": "off",
}
# The server's own functions come first and temporary tables last, so that neither can be replaced;
# the role's search path between them decides which schema the table is in. It is the value that
# the session began with: another program may have SET another one on a pool's connection.
SEARCH_PATH = (
    # Aurora's readers share the storage of the writer and cannot say how far they are
    "SELECT pg_catalog.pg_is_in_recovery() AND pg_catalog.to_regproc('aurora_version') IS NULL,"
    " pg_catalog.set_config('search_path',"
    " pg_catalog.concat_ws(', ', 'pg_catalog', nullif(reset_val, ''), 'pg_temp'), true)"
    " FROM pg_catalog.pg_settings WHERE name = 'search_path'"
)
# Seconds for which a replica may have changes that it does not show yet
REPLAY_SECONDS = 300
# Whether replay is paused, and the age in seconds of the state that is shown if changes wait
REPLAY = (
    "SELECT pg_is_wal_replay_paused(), CASE WHEN pg_last_wal_receive_lsn() <>"
    " pg_last_wal_replay_lsn() THEN extract(epoch FROM clock_timestamp() -"
    " pg_last_xact_replay_timestamp())::float END"
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
    is_replica, _ = cursor.execute(SEARCH_PATH).fetchone()
    if is_replica:
        _raise_if_behind(cursor)
    (found,) = cursor.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if found:
        cursor.execute(f"SELECT FROM {table} LIMIT 0")


def _raise_if_behind(cursor: Any) -> None:
    """Raise ReplicaBehind if a replica does not apply the changes of its primary."""
    is_paused, age = cursor.execute(REPLAY).fetchone()
    if is_paused:
        raise ReplicaBehind(
            "the replica does not apply changes, because its replay is paused: its rows are old."
            " SELECT pg_wal_replay_resume() there, or set CAB_BOOKINGS_DB_URL to the primary, then"
            " run again"
        )
    if age is not None and age > REPLAY_SECONDS:
        raise ReplicaBehind(
            f"the replica is {age:,.0f} s behind: it has changes of its primary that it does not"
            " show yet. Wait until it has applied them (pg_last_xact_replay_timestamp()), or set"
            " CAB_BOOKINGS_DB_URL to the primary, then run again"
        )
