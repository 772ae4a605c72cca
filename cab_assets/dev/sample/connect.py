"""Open the source table that is to be filled."""

from collections.abc import Iterator
from contextlib import contextmanager

from cab_assets.dev.sample.mysql import MySQLTable
from cab_assets.dev.sample.postgresql import PostgreSQLTable
from cab_assets.dev.sample.source import FilledTable
from cab_assets.environment import BadEnvironment, Environment
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets.wiring import Clients

TABLES: dict[type, type[FilledTable]] = {PostgreSQL: PostgreSQLTable, MySQL: MySQLTable}


@contextmanager
def source_table(env: Environment) -> Iterator[FilledTable]:
    """Return the table of bookings, created if it is missing.

    Raises SourceChangedShape if it exists with other columns.
    """
    if env.bookings_db_url is None:
        raise BadEnvironment(
            "CAB_BOOKINGS_DB_URL is not set: start the embedded database with `cab up`, or set the"
            " variable"
        )
    db = Clients(env).bookings_db
    with db.cursor() as cursor:
        table = TABLES[type(db.dialect)](env.bookings_table, cursor)
        table.create()
        db.source(cursor)
        yield table
