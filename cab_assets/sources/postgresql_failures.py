"""What an error of PostgreSQL means: whether its reason passes, and what to do."""

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
    """A kind of error, known by its SQLSTATE, or by its words where an error has none."""

    error: type[CabError]
    remedy: str
    states: str = "none"  # a pattern
    said: str = "(?!)"  # a pattern


CAUSES = (
    Cause(
        BookingsDbInterrupted,
        "The replica ended the query, because it has to replay changes that the query must not see."
        " Set hot_standby_feedback = on or a longer max_standby_streaming_delay on the replica, or"
        " let CAB_BOOKINGS_DB_URL name the primary, then run again",
        "40001",
        "conflict with recovery",
    ),
    Cause(BookingsDbInterrupted, "This passes: run again", "40..."),
    Cause(
        BookingsDbRefused,
        "The server, its administrator or a time limit ended it. Limits of the user are"
        " statement_timeout, idle_in_transaction_session_timeout and transaction_timeout (ALTER"
        " ROLE … SET …); that of an observing query is CAB_STATEMENT_SECONDS. Raise the one that is"
        " named, then run again",
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
        "Import a view that only reads: set CAB_BOOKINGS_TABLE to one that calls no function that"
        " writes",
        "25006",
    ),
    Cause(
        TableLocked,
        "Another program holds the table: TRUNCATE, ALTER TABLE, REFRESH MATERIALIZED VIEW or LOCK."
        " See pg_locks, then run again",
        "55P03",
    ),
    Cause(
        BookingsDbUnavailable,
        "All connections of the server, the database or the user are taken: end some or allow more,"
        " then run again",
        "53300",
        "too many connections|too many clients|connection slots|no more connections allowed",
    ),
    Cause(
        BookingsDbUnavailable,
        "The server broke off or is starting: check the server with `cab doctor`, then run again",
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
        "pgbouncer does not pass it on: leave it out of CAB_BOOKINGS_DB_URL, and have the user set"
        " what it sets (ALTER ROLE … SET …)",
        said="unsupported startup parameter",
    ),
    Cause(
        BookingsDbRefused,
        "A setting of the user, of the database or in CAB_BOOKINGS_DB_URL keeps every connection"
        " from starting: correct it (ALTER ROLE … SET …, ALTER DATABASE … SET …) or install what it"
        " names, then run again",
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
    " CAB_BOOKINGS_TABLE to a view that the table's owner has made",
)
NO_SNAPSHOT = Cause(
    BookingsDbInterrupted,
    "The transaction that shares its snapshot has ended, or CAB_BOOKINGS_DB_URL leads to more than"
    " one server: let it name one, then run again",
)
BY_FUNCTION = {  # of the server's source code
    "check_enable_rls": HIDDEN,
    "ImportSnapshot": NO_SNAPSHOT,
    "SetTransactionSnapshot": NO_SNAPSHOT,
}
NO_CONNECTION = Cause(BookingsDbUnavailable, CHECK)
OTHER = Cause(BookingsDbRefused, LOOK)


def cause(error: Exception) -> Cause:
    """Return what the error means."""
    if not isinstance(error, psycopg.Error):
        return OTHER
    if known := BY_FUNCTION.get(error.diag.source_function or ""):
        return known
    state = error.sqlstate or ""
    for each in CAUSES:
        by_words = not state and re.search(each.said, str(error))
        if by_words or re.fullmatch(each.states, state):
            return each
    return NO_CONNECTION if isinstance(error, psycopg.OperationalError) and not state else OTHER
