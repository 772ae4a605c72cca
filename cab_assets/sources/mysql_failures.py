"""What the numbers of errors mean that MySQL, PyMySQL and ConnectorX raise."""

import re

from cab_assets.errors import CabError
from cab_assets.sources.failures import (
    CHECK,
    LOOK,
    BookingsDbInterrupted,
    BookingsDbRefused,
    BookingsDbUnavailable,
    TableLocked,
)

ACCESS_DENIED = 1045
LOST = 2013  # of a connection that breaks off, as PyMySQL numbers it
REFUSALS = {ACCESS_DENIED, 1044, 1049}  # access denied, unknown database
LOCKED = 1205  # lock wait time-out: reads that take no row locks wait for a table's lock alone
UNLOCK = (
    "Another program holds the table, or waits to change it: LOCK TABLES, ALTER TABLE, TRUNCATE or"
    " another statement that changes it. See SHOW FULL PROCESSLIST, then run again"
)
INTERRUPTED = {1213: "deadlock", 1412: "table definition changed"}
BROKEN = {  # of servers that are there, but end or reject connections for now
    0: "closed",
    1053: "shutdown",
    1927: "killed",
    2006: "gone",
    LOST: "lost",
}
FULL = {  # limits of the server or the user
    1040: "too many connections",
    1203: "too many of this user",
    1226: "the user's MAX_USER_CONNECTIONS, MAX_QUERIES_PER_HOUR, …",
}
ALLOW = (
    "A limit of the server or the user is reached, such as max_connections, MAX_USER_CONNECTIONS or"
    " MAX_QUERIES_PER_HOUR (SHOW CREATE USER): end some connections or allow more, then run again"
)
ENDED = {1317: "KILL QUERY", 1969: "max_statement_time", 3024: "max_execution_time"}
LIMITS = (
    "An administrator (KILL QUERY) or a time limit ended it. Limits are max_statement_time and"
    " max_execution_time of the user or the server; that of an observing query is"
    " CAB_STATEMENT_SECONDS. Raise the one that is named, then run again"
)
MIXED = {1267, 1270, 1271}  # illegal mix of collations, of two, three or more texts
BROKEN_VIEW = 1356
VIEW = (
    "A table or column that the view reads was deleted or renamed, or the view's definer may not"
    " read it: fix the view, then run again"
)
CLIENT = range(2000, 3000)  # the client's own errors: the server cannot be reached


def meaning(error: Exception) -> tuple[type[CabError], str]:
    """Return which of our errors it is, and what to do."""
    code = code_of(error)
    if code == LOCKED:
        return TableLocked, UNLOCK
    if code in INTERRUPTED:
        return BookingsDbInterrupted, "This passes: run again"
    if code in FULL:
        return BookingsDbUnavailable, ALLOW
    if code in ENDED:
        return BookingsDbRefused, LIMITS
    if code == BROKEN_VIEW:
        return BookingsDbRefused, VIEW
    if code in BROKEN:
        return BookingsDbUnavailable, "Check the server with `cab doctor`, then run again"
    if code in REFUSALS or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return BookingsDbRefused, CHECK
    return (BookingsDbUnavailable, CHECK) if code in CLIENT else (BookingsDbRefused, LOOK)


def is_wrong_password(error: Exception) -> bool:
    return bool(error.args) and error.args[0] == ACCESS_DENIED


def code_of(error: Exception) -> int | None:
    """Return the number of an error of the server or of its client, PyMySQL's or ConnectorX's."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    found = re.search(r"ERROR (\d{4}) \(", str(error))
    return int(found[1]) if found else None
