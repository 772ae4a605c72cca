"""Fingerprints of days over one set of columns and over another."""

from typing import Any

import pytest

from cab_assets.daily.changes import NOTHING
from cab_assets.sources.fingerprint import Fingerprint, fingerprint
from cab_assets.store.manifest import Manifest
from cab_assets.tables.bookings import BOOKINGS

STORED = '{"rows": 1, "fare": "2.00", "tip": null, "row_hash": 3}'


def test_a_hash_is_compared_with_one_of_the_same_columns_alone() -> None:
    before = fingerprint(BOOKINGS, 1, (2, None), 3)
    corrected = fingerprint(BOOKINGS, 1, (2, None), 4)
    more = corrected.model_copy(update={"columns": (*before.columns, "surge")})
    assert before.differs_from(corrected)
    assert not before.differs_from(more)
    assert before.differs_from(more.model_copy(update={"rows": 2}))


def test_a_fingerprint_that_does_not_say_its_columns_is_of_the_first_19() -> None:
    stored = Fingerprint.model_validate_json(STORED)
    assert len(stored.columns) == 19
    assert stored == fingerprint(BOOKINGS, 1, (2, None), 3)
    assert stored.differs_from(fingerprint(BOOKINGS, 1, (2, None), 4))
    assert Fingerprint.model_validate_json(stored.model_dump_json()) == stored


def test_a_fingerprint_is_stored_under_the_names_that_it_always_had() -> None:
    stored = fingerprint(BOOKINGS, 1, (2, None), 3).model_dump_json()
    assert stored.startswith('{"rows":1,"fare":"2.00","tip":null,"row_hash":3,"columns":["booking')


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"pickup_timestamp": "Asia/Kolkata"}, True),
        ({}, True),
        ({"pickup_timestamp": "UTC"}, False),
        pytest.param(None, False, id="stored before it was known"),
    ],
)
def test_the_same_stored_values_differ_if_they_are_converted_otherwise(
    other: dict[str, str] | None, differs: bool
) -> None:
    before = fingerprint(BOOKINGS, 1, (2, None), 3, {"pickup_timestamp": "UTC"})
    after = before.model_copy(update={"conversions": other})
    assert before.differs_from(after) == differs
    assert after.differs_from(before) == differs
    assert NOTHING.differs_from(fingerprint(BOOKINGS, 0, (None, None), 0, {})) is False


def test_a_manifest_keeps_the_conversions_where_earlier_versions_do_not_look() -> None:
    of = fingerprint(BOOKINGS, 1, (2, None), 3, {"pickup_timestamp": "UTC"})
    made: dict[str, Any] = {"table": "bookings", "day": "2020-01-01", "version": "v", "rows": 1}
    made |= {"code_version": 1, "files": (), "findings": (), "seconds": 1}
    stored = Manifest(**made, fingerprint=of, conversions=of.conversions).model_dump_json()
    assert "conversions" not in of.model_dump_json()
    assert Manifest.model_validate_json(stored).fingerprint == of
    assert Manifest.model_validate_json(stored).model_dump_json() == stored
