"""Fingerprints of days over one set of columns and over another."""

from cab_assets.schemas import BOOKINGS
from cab_assets.sources.fingerprint import Fingerprint, fingerprint

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
