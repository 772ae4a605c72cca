"""From a URL to the client that speaks its dialect."""

from cab_assets.resources.bookings_db import BookingsDb
from cab_assets.resources.mysql import MySQL
from cab_assets.resources.postgresql import PostgreSQL

DIALECTS = {"postgresql": PostgreSQL, "mysql": MySQL}


def bookings_db(url: str, password: str | None, table: str, zone: str) -> BookingsDb:
    """The rides' database at `url`; wall clocks are read in `zone`."""
    return BookingsDb(DIALECTS[url.partition(":")[0]](url, password or "", zone), table)
