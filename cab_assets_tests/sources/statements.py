"""Every statement that each kind of database is sent for a day, for days and for a look, as text.

`python -m cab_assets_tests.sources.statements > cab_assets_tests/sources/statements.txt` writes
it anew when a change of a statement is meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from textwrap import fill
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pyarrow as pa

from cab_assets.clients.password import given
from cab_assets.sources import connectorx_rows, mysql_connection
from cab_assets.sources.bookings_db import BookingsDb, midnight
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.plain import plain_rows
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets.tables.bookings import BOOKINGS

ZONE = "Asia/Kolkata"
DAY = date(2020, 2, 29)
AT = datetime(2020, 2, 29, 10)  # noqa: DTZ001
NOW = datetime(2020, 3, 1, tzinfo=UTC)
TYPES = {  # Hive type -> of PostgreSQL, of MySQL, with the same as zoned times
    "string": ("text", "varchar(40)"),
    "bigint": ("bigint", "bigint(20)"),
    "int": ("integer", "int(11)"),
    "double": ("double precision", "double"),
    "decimal(12,2)": ("numeric(12,2)", "decimal(12,2)"),
    "timestamp": ("timestamp without time zone", "datetime(6)"),
}
ZONED = {"timestamp without time zone": "timestamp with time zone", "datetime(6)": "timestamp(6)"}


@dataclass(eq=False)
class Server:
    """A connection to a server that answers what it is asked, and its cursor.

    Write down what is said.
    """

    shape: Mapping[str, str]
    said: list[str] = field(default_factory=list)
    rows: Sequence[tuple[Any, ...]] = ()
    description: Sequence[tuple[str, ...]] = ()

    @property
    def connection(self) -> "Server":
        return self

    @contextmanager
    def cursor(self, **_: Any) -> Iterator["Server"]:
        yield self

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "Server":
        self.said.append(f"{statement} {list(values)}" if values else statement)
        self.rows = self._answer(statement)
        return self

    def _answer(self, statement: str) -> Sequence[tuple[Any, ...]]:
        answers: dict[str, Sequence[tuple[Any, ...]]] = {
            "pg_is_in_recovery": [(False, "")],
            "pg_export_snapshot": [(NOW, "00000003-1")],
            "to_regclass(%s)": [(1,)],
            "cab_assets_edges": [(None,), (AT,)],
            "utc_timestamp(6) FROM": [(NOW.replace(tzinfo=None),)],
            "clock_timestamp(), ": [(NOW, AT, AT)],
            "SELECT utc_timestamp(6), ": [(NOW, AT, AT)],
            "SELECT convert_tz('": [(AT,)],
            "count(*)": [(0, 0, 0, 0, 0)],
        }
        if "format_type" in statement:
            return list(self.shape.items())
        if "column_type" in statement:
            return [(*each, "") for each in self.shape.items()]
        if statement.startswith("SELECT cast("):
            return [(_local(statement),)]
        if "indoption" in statement:
            return [("NULLS FIRST",)]
        return next((rows for words, rows in answers.items() if words in statement), [])

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        return self.rows

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        yield from self.execute(query).rows[:0]

    @contextmanager
    def copy(self, query: str) -> Iterator[Sequence[bytes]]:
        self.execute(query)
        yield []

    def thread_id(self) -> int:
        return 7

    def close(self) -> None:
        """Connections are closed by whoever opened them."""


def _local(statement: str) -> str:
    """Return the local time of the instant that a statement names in UTC."""
    found = re.search(r"'(\d{4}-[\d :-]+)", statement)
    assert found
    instant = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return f"{instant.astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M:%S}"


def statements() -> str:
    """Return what both databases are sent, a paragraph for each question and type of time."""
    paragraphs = [
        _heard(kind, zoned=zoned) for kind in (PostgreSQL, MySQL) for zoned in (False, True)
    ]
    return "\n\n".join(paragraph for found in paragraphs for paragraph in found) + "\n"


def _heard(kind: type[Dialect], *, zoned: bool) -> Iterator[str]:
    place = 0 if kind is PostgreSQL else 1
    types = {column.name: TYPES[column.type][place] for column in BOOKINGS.columns}
    if zoned:
        types = {name: ZONED.get(found, found) for name, found in types.items()}
    for question in (_a_day, _plain_rows, _days, _looks):
        server = Server(types)
        dialect = kind(f"{kind.__name__.lower()}://cab@db/rides", given(""), ZONE)
        with (
            patch.object(connectorx_rows, "read", partial(_read, server)),
            patch.object(PostgreSQL, "connect", lambda _, server=server: server),
            # MySQL's `connect` sends its settings
            patch.object(mysql_connection, "_connect", lambda *_, server=server: server),
        ):
            question(BookingsDb(dialect, "bookings"))
        title = f"-- {kind.__name__}, {types['pickup_timestamp']}: {question.__name__[1:]}"
        yield "\n".join([title, *map(_lines, server.said)])


def _lines(statement: str) -> str:
    """Return it in lines that a person can compare."""
    return fill(
        statement, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _read(
    server: Server, _: Dialect, snapshot: Any, _process: Any, query: str
) -> Iterator[pa.RecordBatch]:
    server.said += [*snapshot.join, f"{snapshot.mark} {query}"]
    return iter(())


def _a_day(db: BookingsDb) -> None:
    with db.day(DAY) as day:
        if day.shares_a_snapshot:
            day.control_totals()
            list(day.slices())
            list(day._one_by_one(day.start, day.end))  # what cannot be packed
        else:
            list(day.in_one_statement())


def _plain_rows(db: BookingsDb) -> None:
    with db.day(DAY) as day:
        plain_rows(day, [{"booking_id": "BK1", "pickup_timestamp": AT}])


def _days(db: BookingsDb) -> None:
    for hashed in (False, True):
        db.fingerprints(date(2020, 1, 1), date(2020, 3, 1), hashed=hashed, seconds=60)


def _looks(db: BookingsDb) -> None:
    db.reach()
    db.clocks()
    with db.reading() as cursor:
        start, end = midnight(date(2020, 1, 1)), midnight(date(2020, 3, 1))
        cursor.execute(f"… WHERE {db.source(cursor).without_a_day(start, end)}")


if __name__ == "__main__":
    print(statements(), end="")  # noqa: T201
