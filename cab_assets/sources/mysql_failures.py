"""The meaning of MySQL's error numbers, from the server, PyMySQL or ConnectorX."""

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
# PyMySQL's number for a connection that was lost
LOST = 2013
# Access denied to the server or a database, unknown database
REFUSALS = {ACCESS_DENIED, 1044, 1049}
# Lock wait time-out. The pipeline's reads take no row locks, so it is always a lock on the table.
LOCKED = 1205
UNLOCK = (
    "Another program holds or requests a lock on the table: LOCK TABLES, ALTER TABLE, TRUNCATE or"
    " another statement that changes it. See SHOW FULL PROCESSLIST, then run again"
)
INTERRUPTED = {
    1213: "deadlock",
    1412: "table definition changed",
    1615: "prepared statement needs to be prepared again",
}
# From servers that run, but end or reject connections temporarily
BROKEN = {
    0: "closed",
    1047: "a node of a cluster that is not ready",
    1053: "shutdown",
    **dict.fromkeys(range(1158, 1162), "a packet could not be read or written"),
    1927: "killed",
    2006: "gone",
    LOST: "lost",
    3032: "offline mode",
    3168: "the server is not available",
    4031: "ended because it was idle",
    9001: "ProxySQL: no server of the group answers in time",
}
# A limit of the server or the user is reached
FULL = {
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
    "An administrator (KILL QUERY) or a time limit ended the statement. Limits are"
    " max_statement_time and max_execution_time of the user or the server, and"
    " CAB_STATEMENT_SECONDS for comparisons with the source. Raise the limit that the error names,"
    " then run again"
)
# Illegal mix of collations, of two, three or more texts
MIXED = {1267, 1270, 1271}
BROKEN_VIEW = 1356
VIEW = (
    "A table or column that the view reads was dropped or renamed, or the view's definer may not"
    " read it: fix the view, then run again"
)
# Errors of the client library: the server cannot be reached
CLIENT = range(2000, 3000)


def meaning(error: Exception) -> tuple[type[CabError], str]:
    """Return the pipeline's error class for an error of MySQL, and the remedy."""
    code = code_of(error)
    if code == LOCKED:
        return TableLocked, UNLOCK
    if code in INTERRUPTED:
        return BookingsDbInterrupted, "This is temporary: run again"
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
    """Return the error number of the server or the client, as PyMySQL or ConnectorX has it."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    found = re.search(r"ERROR (\d{4}) \(", str(error))
    return int(found[1]) if found else None
