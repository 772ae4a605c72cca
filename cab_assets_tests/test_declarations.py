"""What a declaration of a table refuses, in one sentence that names table and field."""

from dataclasses import replace
from typing import Any

import pytest

from cab_assets.declarations import BadDeclaration, Column
from cab_assets.tables import TABLES, assets_of, derived_from, sources
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.tables.clicks import CLICKS


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": ("ride_id",)}, "table bookings, key: there is no column ride_id"),
        ({"day": "pickup"}, "table bookings, day: there is no column pickup"),
        ({"day": "cab_color"}, "table bookings, day: cab_color is neither a timestamp nor a date"),
        ({"totals": ("fare",)}, "table bookings, totals: there is no column fare"),
        (
            {"totals": ("cab_color",)},
            "table bookings, totals: cab_color is neither a decimal nor an integer",
        ),
        (
            {"partition_column": "cab_color"},
            "table bookings, partition_column: cab_color is a column too",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("cab_color", "string", "again"))},
            "table bookings, columns: cab_color is there twice",
        ),
        (
            {"key": ()},
            "table bookings, key_check: name the check of the key, and none without a key",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("seats", "array<string>", "of the cab"))},
            "table bookings, columns: seats is a array<string>, which is not imported",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("paid", "timestamp", "when", instant=True))},
            "table bookings, columns: paid is an instant, which is not imported",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("Mixed Case", "string", "of the source"))},
            "table bookings, columns: Hive cannot name a column `Mixed Case`; spell it in lower"
            " case and give the name in the database as `source`",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("row_hash", "string", "of the source"))},
            "table bookings, columns: row_hash is a name of the import; give another name, and this"
            " one as `source`",
        ),
        (
            {"columns": (*BOOKINGS.columns, Column("seats", "smallint", "of the cab"))},
            "table bookings, columns: seats has the unknown type smallint",
        ),
    ],
)
def test_a_wrong_declaration_is_one_sentence(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(BadDeclaration) as refused:
        replace(BOOKINGS, **changed)
    assert str(refused.value) == said


def test_a_derived_table_sums_its_own_columns_to_totals_of_what_it_is_made_from() -> None:
    with pytest.raises(BadDeclaration, match="booking_aggregates, sql: it does not select FROM"):
        replace(BOOKING_AGGREGATES, sql="SELECT 1")
    with pytest.raises(BadDeclaration, match="checks: tip_amount is no total of bookings"):
        replace(BOOKING_AGGREGATES, made_from=replace(BOOKINGS, totals=("trip_fare",)))


def test_the_tables_know_what_is_made_from_what() -> None:
    assert sources(TABLES) == [BOOKINGS]
    assert derived_from(BOOKINGS) == [BOOKING_AGGREGATES]
    assert assets_of(BOOKINGS) == "raw_bookings, bookings and booking_aggregates"
    assert assets_of(CLICKS) == "clicks"
