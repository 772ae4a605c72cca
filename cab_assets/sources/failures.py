"""Errors of the source database, and what to do about them."""

from cab_assets.errors import CabError, Unavailable


class BookingsDbUnavailable(Unavailable):
    """The database cannot be reached, or the connection broke."""


class BookingsDbInterrupted(Unavailable):
    """The database ended a transaction for a reason that passes, such as a deadlock."""


class TableLocked(BookingsDbUnavailable):
    """Another program holds a lock on the table that keeps readers out."""


class ReplicaBehind(BookingsDbUnavailable):
    """The database is a replica that does not show the changes of its primary."""


class BookingsDbRefused(CabError):
    """The database rejects the password, user, permission, table or setting."""


class SourceUnreadable(CabError):
    """The source holds a value that cannot be stored as it is."""


CHECK = (
    "Check CAB_BOOKINGS_DB_URL, CAB_BOOKINGS_DB_PASSWORD, CAB_BOOKINGS_DB_CA and the server with"
    " `cab doctor`, then run again"
)
LOOK = "The server's message has the reason: fix it in the source, then run the day again"
