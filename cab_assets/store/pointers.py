"""Partitions of a table in the metastore, and the folders to which they point."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from cab_assets.clients.hive import PARTITIONS_A_STATEMENT, Hive
from cab_assets.clients.hive_errors import NoSuchTable
from cab_assets.clients.hive_text import normal_url, planned_locations, quoted
from cab_assets.clients.known_failures import Refused
from cab_assets.declarations import Table

# Up to this number, partitions are described one by one. For more, a plan of Apache Hive is faster.
FEW = 4


@dataclass(frozen=True)
class Pointers:
    """The partitions of one table. Values of the partition column are days or batch numbers."""

    hive: Hive
    table: Table

    @property
    def name(self) -> str:
        """The table's name in statements."""
        return self.hive.name(self.table.name)

    def values(self) -> set[str]:
        """Return the values that have a partition, or an empty set if there is no such table."""
        try:
            rows = self.hive.execute(f"SHOW PARTITIONS {self.name}")
        except NoSuchTable:
            return set()
        # Hive shows some characters of a value as %3A
        return {unquote(str(row[0]).partition("=")[2]) for row in rows}

    def locations(self, values: Iterable[str]) -> dict[str, str]:
        """Return value -> location of the partitions that exist. `file:/…` becomes `file:///…`."""
        if not (wanted := set(values)):
            return {}
        there = sorted(wanted & self.values())
        planned = self._planned(there) if len(there) > FEW and self.hive.is_apache else {}
        others = [value for value in there if value not in planned]
        return planned | dict(
            zip(others, self.hive.side_by_side(self._describe, others), strict=True)
        )

    def location(self, value: str) -> str | None:
        """Return the location of one partition, or None if there is no such partition."""
        try:
            there = self.hive.execute(f"SHOW PARTITIONS {self.name} {self._clause(value)}")
        except NoSuchTable:
            return None
        return self._describe(value) if there else None

    def add(self, locations: Mapping[str, str]) -> None:
        """Add partitions. A partition that another writer added meanwhile keeps its location."""
        for some in _portions(sorted(locations)):
            clauses = (
                f"{self._clause(value)} LOCATION {quoted(locations[value])}" for value in some
            )
            self.hive.execute(f"ALTER TABLE {self.name} ADD IF NOT EXISTS {' '.join(clauses)}")

    def move(self, locations: Mapping[str, str]) -> None:
        """Set the locations of partitions that exist."""

        def move(value: str) -> None:
            location = quoted(locations[value])
            self.hive.execute(
                f"ALTER TABLE {self.name} {self._clause(value)} SET LOCATION {location}"
            )

        self.hive.side_by_side(move, sorted(locations))

    def claim(self, value: str, location: str) -> None:
        """Add a partition. Raise HiveRefused if it exists: of several writers, one succeeds."""
        self.hive.execute(
            f"ALTER TABLE {self.name} ADD {self._clause(value)} LOCATION {quoted(location)}"
        )

    def drop(self, values: Iterable[str]) -> None:
        """Drop partitions in the order given. Their files stay."""
        for some in _portions(values):
            clauses = ", ".join(map(self._clause, some))
            self.hive.execute(f"ALTER TABLE {self.name} DROP IF EXISTS {clauses}")

    def drop_statement(self, value: str) -> str:
        """Return the statement with which a user drops a partition; its files stay."""
        return f"ALTER TABLE {self.name} DROP {self._clause(value)}"

    def _clause(self, value: str) -> str:
        return f"PARTITION ({self.table.partition_column}={quoted(value)})"

    def _describe(self, value: str) -> str:
        rows = self.hive.execute(f"DESCRIBE FORMATTED {self.name} {self._clause(value)}")
        # What is said of the partition comes first, then of the table
        location, form = (
            next((str(row[1]).strip() for row in rows if str(row[0]).strip(": ") == name), "")
            for name in ("Location", "InputFormat")
        )
        url = normal_url(location)
        return f"{url} (as {form})" if form and "parquet" not in form.lower() else url

    def _planned(self, values: Sequence[str]) -> dict[str, str]:
        """Return value -> location from a query plan, or {} if this user may not query the table.

        In Apache Hive, one plan of 90 partitions takes half a second; describing them takes five.
        """
        column = self.table.partition_column
        found: dict[str, str] = {}
        for some in _portions(values):
            wanted = ", ".join(f"'{value}'" for value in some)
            try:
                rows = f"SELECT * FROM {self.name} WHERE `{column}` IN ({wanted})"
                plan = self.hive.execute(f"EXPLAIN EXTENDED {rows}")
            except Refused:
                return {}
            found |= dict(planned_locations(plan, column))
        return found


def _portions(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield the values in lists, each short enough for one statement."""
    left = iter(values)
    while some := list(islice(left, PARTITIONS_A_STATEMENT)):
        yield some
