"""The meaning of PostgreSQL's errors: whether they are temporary, and what to do."""

import re
from dataclasses import dataclass

import psycopg

from cab_assets.errors import CabError
from cab_assets.sources.dialect import CONNECT_SECONDS
from cab_assets.sources.failures import (
    CHECK,
    LOOK,
    BookingsDbInterrupted,
    BookingsDbRefused,
    BookingsDbUnavailable,
    TableLocked,
)


@dataclass(frozen=True)
class Cause:
    """A kind of error, recognized by its SQLSTATE, or by its text if it has no SQLSTATE."""

    error: type[CabError]
    remedy: str
    # Patterns of the SQLSTATE and of the text; by default they match nothing
    states: str = "none"
    said: str = "(?!)"


CAUSES = (
    Cause(
        BookingsDbInterrupted,
        "The replica canceled the query, because it must apply changes that conflict with the"
        " query's snapshot. Set hot_standby_feedback = on or a longer max_standby_streaming_delay"
        " on the replica, or set CAB_BOOKINGS_DB_URL to the primary, then run again",
        "40001",
        "conflict with recovery",
    ),
    Cause(BookingsDbInterrupted, "This is temporary: run again", "40..."),
    Cause(
        BookingsDbRefused,
        "The server, its administrator or a time limit ended the statement. Limits of the user are"
        " statement_timeout, idle_in_transaction_session_timeout and transaction_timeout (ALTER"
        " ROLE … SET …); the limit of comparisons with the source is CAB_STATEMENT_SECONDS. Raise"
        " the limit that the error names, then run again",
        "57014|25P0[34]",
        "due to .*timeout",
    ),
    Cause(
        BookingsDbRefused,
        "GRANT SELECT on the table, or on each column that is imported, to the user, then run"
        " again",
        "42501",
    ),
    Cause(
        BookingsDbRefused,
        "The view calls a function that writes: set CAB_BOOKINGS_TABLE to a view that only reads,"
        " then run again",
        "25006",
    ),
    Cause(
        TableLocked,
        "Another program holds a lock on the table: TRUNCATE, ALTER TABLE, REFRESH MATERIALIZED"
        " VIEW or LOCK. See pg_locks, then run again",
        "55P03",
    ),
    Cause(
        BookingsDbUnavailable,
        "All connections of the server, the database or the user are in use: end some or allow"
        " more, then run again",
        "53300",
        "too many connections|too many clients|connection slots|no more connections allowed",
    ),
    Cause(
        BookingsDbUnavailable,
        "The server ended the connection or is starting: check the server with `cab doctor`, then"
        " run again",
        "08...|57P0[1235]",
        "starting up|shutting down|recovery mode|not yet accepting|terminating connection|server"
        " closed the connection|connection is (closed|lost)|consuming input"
        " failed|(send|receiv)\\w* .*failed|SSL SYSCALL",
    ),
    Cause(
        BookingsDbUnavailable,
        f"The server accepted no connection within {CONNECT_SECONDS} s: check its load, the network"
        " and the host and port of CAB_BOOKINGS_DB_URL with `cab doctor`, then run again",
        said="timeout expired",
    ),
    Cause(
        BookingsDbRefused,
        "pgbouncer does not pass this parameter on: remove it from CAB_BOOKINGS_DB_URL, and"
        " configure it for the user instead (ALTER ROLE … SET …), then run again",
        said="unsupported startup parameter",
    ),
    Cause(
        BookingsDbRefused,
        "A setting of the user, of the database or in CAB_BOOKINGS_DB_URL makes every connection"
        " fail: correct it (ALTER ROLE … SET …, ALTER DATABASE … SET …) or install what it names,"
        " then run again",
        "58P01",
        "could not (access file|load library)|incompatible library|access to library"
        "|(invalid value for|unrecognized configuration|permission denied to set) parameter"
        "|parameter .* cannot be|command-line argument|requires a value",
    ),
    Cause(
        BookingsDbRefused,
        CHECK,
        "28...|3D...",
        "authentication failed|does not exist|pg_hba|permission denied|certificate|no password"
        "|not permitted to log in|not currently accepting|no such (database|user)"
        "|(SSL|binding|encryption) (was )?required|private key",
    ),
)
HIDDEN = Cause(
    BookingsDbRefused,
    "Row-level security would hide rows from this user: ALTER ROLE … BYPASSRLS, or set"
    " CAB_BOOKINGS_TABLE to a view that the table's owner created, then run again",
)
NO_SNAPSHOT = Cause(
    BookingsDbInterrupted,
    "The transaction that exported the snapshot has ended, or CAB_BOOKINGS_DB_URL leads to more"
    " than one server: set it to the address of one server, then run again",
)
# Function in the server's source code that raised the error -> cause
BY_FUNCTION = {
    "check_enable_rls": HIDDEN,
    "ImportSnapshot": NO_SNAPSHOT,
    "SetTransactionSnapshot": NO_SNAPSHOT,
}
NO_FREE_CONNECTION = Cause(
    BookingsDbUnavailable,
    "The pool had no free connection to the server in time. Each day that is read needs two: set"
    " default_pool_size of pgbouncer to at least 2 × CAB_IMPORT_DAYS_AT_ONCE, then run again",
)
NO_TRANSACTIONS = Cause(
    BookingsDbRefused,
    "A day is read in transactions: set pool_mode of pgbouncer to session or transaction, then run"
    " again",
)
POOL_TIMEOUT = Cause(
    BookingsDbRefused,
    "A limit of pgbouncer ended the statement or the transaction (query_timeout,"
    " idle_transaction_timeout): raise it for this user, then run again",
)
NO_LOCKS = Cause(
    BookingsDbRefused,
    "The server's table of locks is full: a table of many partitions needs one for each of them and"
    " of their indexes. Raise max_locks_per_transaction, then run again",
)
# Text of an error whose SQLSTATE says too little -> cause
BY_TEXT = {
    "out of shared memory": NO_LOCKS,
    "query_wait_timeout": NO_FREE_CONNECTION,
    "statement pooling": NO_TRANSACTIONS,
    "query timeout": POOL_TIMEOUT,
    "idle transaction timeout": POOL_TIMEOUT,
}
NO_CONNECTION = Cause(BookingsDbUnavailable, CHECK)
OTHER = Cause(BookingsDbRefused, LOOK)


def cause(error: Exception) -> Cause:
    """Return the cause of an error."""
    if not isinstance(error, psycopg.Error):
        return OTHER
    if known := BY_FUNCTION.get(error.diag.source_function or ""):
        return known
    for text, known in BY_TEXT.items():
        if text in str(error):
            return known
    state = error.sqlstate or ""
    for each in CAUSES:
        by_words = not state and re.search(each.said, str(error))
        if by_words or re.fullmatch(each.states, state):
            return each
    return NO_CONNECTION if isinstance(error, psycopg.OperationalError) and not state else OTHER
