"""The tables of the pipeline, each declared in the module of its subject."""

from cab_assets.declarations import DerivedTable, FoldedTable, SourceTable, Table
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS

TABLES: tuple[Table, ...] = (BOOKINGS, BOOKING_AGGREGATES, CLICKSTREAM_BATCHES, CLICKS, REJECTS)


def days_tables() -> list[Table]:
    """Return the tables whose partitions are days."""
    return [
        table for table in TABLES if isinstance(table, SourceTable | DerivedTable | FoldedTable)
    ]


def sources(tables: tuple[Table, ...] = TABLES) -> list[SourceTable]:
    """Return the tables that are imported from the database."""
    return [table for table in tables if isinstance(table, SourceTable)]


def derived_from(source: SourceTable, tables: tuple[Table, ...] = TABLES) -> list[DerivedTable]:
    """Return the tables that are made from the days of a source table."""
    return [
        table
        for table in tables
        if isinstance(table, DerivedTable) and table.made_from.name == source.name
    ]


def assets_of(table: Table) -> str:
    """Return the assets that a user materializes to make a new version of a day, in words."""
    if not isinstance(table, SourceTable):
        return table.name
    names = [table.raw, table.name, *(each.name for each in derived_from(table))]
    return f"{', '.join(names[:-1])} and {names[-1]}"
