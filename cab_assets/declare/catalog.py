"""Tables as their database describes them, through SQLAlchemy's Inspector."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Inspector, NullPool, create_engine, inspect
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import TypeEngine

from cab_assets.errors import CabError
from cab_assets.sources.bookings_db import BookingsDb

# Scheme of CAB_BOOKINGS_DB_URL -> SQLAlchemy's name of the dialect and the driver
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


class NothingToDeclare(CabError):
    """There is no such table, or it lacks what a declaration needs."""


@dataclass(frozen=True)
class SourceColumn:
    """A column; `type` is SQLAlchemy's, `comment` may be empty."""

    name: str
    type: TypeEngine[Any]
    comment: str
    is_nullable: bool


@dataclass(frozen=True)
class SourceRelation:
    """A table, view or materialized view.

    `key` is its primary key, else a unique index over columns without NULL, else empty. `indexed`
    are the columns with which an index begins.
    """

    name: str
    comment: str
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    indexed: frozenset[str]

    def column(self, name: str) -> SourceColumn | None:
        return next((column for column in self.columns if column.name == name), None)


@contextmanager
def inspecting(db: BookingsDb) -> Iterator[Inspector]:
    """Lend an inspector that reads over the pipeline's own connections."""
    scheme = db.dialect.address.partition(":")[0]
    engine: Engine = create_engine(
        f"{DRIVERS[scheme]}://", creator=db.dialect.connect, poolclass=NullPool
    )
    with engine.connect() as connection:
        yield inspect(connection)


def names(inspector: Inspector) -> list[str]:
    """Return the tables and views of the user's default schema, sorted."""
    found = {*inspector.get_table_names(), *inspector.get_view_names()}
    if inspector.dialect.name == "postgresql":
        found |= {*inspector.get_materialized_view_names()}
    return sorted(found)


def relation(inspector: Inspector, table: str) -> SourceRelation:
    """Return a table by its name, or schema.name. Raise NothingToDeclare if there is none."""
    schema, name = _split(table)
    if not inspector.has_table(name, schema):
        raise NothingToDeclare(
            f"the database has no table {table} that this user may see: `cab declare --list` shows"
            " those of the default schema"
        )
    # Of types that it does not know, which are imported as text
    with warnings.catch_warnings(action="ignore", category=SAWarning):
        found = inspector.get_columns(name, schema)
    columns = tuple(
        SourceColumn(each["name"], each["type"], each.get("comment") or "", each["nullable"])
        for each in found
    )
    indexes = inspector.get_indexes(name, schema)
    primary = tuple(inspector.get_pk_constraint(name, schema).get("constrained_columns") or ())
    first = {each["column_names"][0] for each in indexes if each["column_names"]}
    return SourceRelation(
        table,
        _comment(inspector, name, schema),
        columns,
        primary or _unique(columns, indexes),
        frozenset({each for each in first if each} | set(primary[:1])),
    )


def _split(table: str) -> tuple[str | None, str]:
    schema, _, name = table.rpartition(".")
    return schema or None, name


def _comment(inspector: Inspector, name: str, schema: str | None) -> str:
    # A view has no comment in some databases
    try:
        return inspector.get_table_comment(name, schema).get("text") or ""
    except NotImplementedError:
        return ""


def _unique(columns: tuple[SourceColumn, ...], indexes: Any) -> tuple[str, ...]:
    """Return the shortest unique index over columns that are never NULL, or an empty tuple."""
    never_null = {column.name for column in columns if not column.is_nullable}
    found = [
        tuple(each["column_names"])
        for each in indexes
        if each["unique"] and set(each["column_names"]) <= never_null
    ]
    return min(found, key=len, default=())
