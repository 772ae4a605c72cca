"""A table of bookings in the stack's PostgreSQL, and a user of the test's own who may
only read it.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import psycopg
import pyarrow as pa

from cab_assets.clients.password import given
from cab_assets.dev.sample.connect import source_table
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.tables.bookings import BOOKINGS
from cab_assets.wiring import Clients

DAY = date(2020, 9, 1)


@dataclass(frozen=True)
class Source:
    """`owner` owns the table; `reader` has SELECT on it, and nothing else."""

    owner: BookingsDb
    reader: BookingsDb
    role: str

    @property
    def table(self) -> str:
        return self.owner.table

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            done = connection.execute(
                statement.replace("{table}", self.table).replace("{role}", self.role),
                values or None,
            )
            return done.fetchall() if done.description else []

    def connection(self) -> "psycopg.Connection[Any]":
        dialect = self.owner.dialect
        return psycopg.connect(
            dialect.address, password=dialect.password.text, autocommit=True, client_encoding="UTF8"
        )

    def insert(self, *rides: Mapping[str, Any]) -> None:
        with self.connection() as connection, connection.cursor() as cursor:
            places = ", ".join(["%s"] * len(BOOKINGS.names))
            statement = f"INSERT INTO {self.table} ({', '.join(BOOKINGS.names)}) VALUES ({places})"
            cursor.executemany(
                statement, [[each[name] for name in BOOKINGS.names] for each in rides]
            )


def rows(db: BookingsDb, day: date = DAY) -> pa.Table:
    """Return what is read of a day, by key."""
    with db.day(day) as source:
        batches = [each.rows for each in source.slices()]
    return pa.Table.from_batches(batches, BOOKINGS.arrow_schema).sort_by("booking_id")


@contextmanager
def source(env: Environment, *, encoding: str | None = None) -> Iterator[Source]:
    """Make the table and the user.

    Drop both at the end. With `encoding`, in a database of their own.
    """
    if encoding:
        with database(env, encoding) as url, source(env.but(bookings_db_url=url)) as made:
            yield made
        return
    name = f"reader_{secrets.token_hex(4)}"
    own = env.but(bookings_table=f"bookings_{name}")
    with source_table(own):
        pass
    owner = Clients(own).bookings_db
    address = owner.dialect.address.replace("//cab@", f"//{name}@")
    made = Source(
        owner,
        replace(owner, dialect=replace(owner.dialect, address=address, password=given("reader"))),
        name,
    )
    made.sql("CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    made.sql("GRANT SELECT ON {table} TO {role}")
    try:
        yield made
    finally:
        made.sql("DROP TABLE IF EXISTS {table} CASCADE")
        made.sql("DROP OWNED BY {role} CASCADE")
        made.sql("DROP ROLE {role}")


@contextmanager
def database(env: Environment, encoding: str) -> Iterator[str]:
    """Make a database; drop it at the end."""
    name = f"rides_{secrets.token_hex(4)}"
    dialect = Clients(env).bookings_db.dialect
    with psycopg.connect(
        dialect.address, password=dialect.password.text, autocommit=True
    ) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
        )
        try:
            yield f"{dialect.address.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
