"""Texts of databases that are not in UTF-8, and the hash of texts."""

from collections.abc import Iterator
from datetime import date

import pytest

from cab_assets.environment import Environment
from cab_assets.sources.failures import SourceUnreadable
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source

TEXTS = ["Ã©", "crème", "plain", ""]
AT = f"{DAY} 10:00:00"
ways = pytest.mark.parametrize("indexed", [True, False], ids=["packed", "one by one"])


@pytest.fixture(params=["LATIN1", "SQL_ASCII", "UTF8"])
def encoded(stack: Environment, request: pytest.FixtureRequest) -> Iterator[Source]:
    with source(stack, encoding=request.param) as made:
        yield made


@pytest.fixture
def ascii_only(stack: Environment) -> Iterator[Source]:
    with source(stack, encoding="SQL_ASCII") as made:
        yield made


def without_index(table: Source, indexed: bool) -> None:
    if not indexed:
        table.sql("DROP INDEX {table}_pickup_timestamp")


@ways
def test_texts_arrive_as_they_are_whatever_the_databases_encoding(
    encoded: Source, indexed: bool
) -> None:
    without_index(encoded, indexed)
    encoded.insert(*(ride(f"BK{number}", AT, cab_color=text) for number, text in enumerate(TEXTS)))
    encoded.sql(
        f"ALTER DATABASE {encoded.owner.dialect.address.rpartition('/')[2]} SET client_encoding ="
        " 'LATIN1'"
    )
    assert rows(encoded.reader)["cab_color"].to_pylist() == TEXTS


@ways
def test_bytes_that_are_not_utf_8_end_the_day_by_column_and_key(
    ascii_only: Source, indexed: bool
) -> None:
    without_index(ascii_only, indexed)
    ascii_only.insert(ride("BK1", AT, cab_color="crème"), ride("BK2", AT))
    ascii_only.sql(
        "UPDATE {table} SET cab_color = convert_from('\\xe86d', 'SQL_ASCII') WHERE booking_id ="
        " 'BK2'"
    )
    with pytest.raises(
        SourceUnreadable,
        match=r"cab_color of the booking BK2 is not UTF-8: b'\\xe8m'. Fix it in the source",
    ):
        rows(ascii_only.reader)


@ways
def test_bytes_without_a_character_in_the_databases_encoding_are_named_too(
    stack: Environment, indexed: bool
) -> None:
    with source(stack, encoding="WIN1252") as table:
        without_index(table, indexed)
        table.insert(ride("BK1", AT, cab_color="crème"), ride("BK2", AT))
        table.sql(
            "UPDATE {table} SET cab_color = convert_from('\\x8141', 'WIN1252') WHERE booking_id ="
            " 'BK2'"
        )
        with pytest.raises(
            SourceUnreadable,
            match=r"cab_color of the booking BK2 is not WIN1252: b'\\x81A'. Fix it in the source",
        ):
            rows(table.reader)


def test_the_hash_of_texts_of_other_collations_is_as_it_was(stack: Environment) -> None:
    """What is published stays as it is."""
    with source(stack) as table:
        table.insert(
            ride("BK1", AT, cab_color="crème"), ride("BK2", AT, cab_color=None, drop_timestamp=None)
        )
        found = table.reader.fingerprints(DAY, date(2020, 9, 2), hashed=True, seconds=60)[str(DAY)]
        assert found.row_hash == 10424979122387634613
