"""The 64-bit hash of a row of PostgreSQL, by the server's own hash functions for joins."""

import re
from collections.abc import Collection, Mapping

# Type -> hash function; other types are hashed as text. The hash of NULL is NULL.
HASHES = {
    "bigint": "hashint8extended",
    "integer": "hashint4extended",
    "smallint": "hashint2extended",
    "double precision": "hashfloat8extended",
    "real": "hashfloat4extended",
    "numeric": "hash_numeric_extended",
    "timestamp": "timestamp_hash_extended",
    "text": "hashtextextended",
    "character varying": "hashtextextended",
    "character": "hashbpcharextended",
}
DOUBLES = ("hashfloat8extended", "hashfloat4extended")
# Conditions of values that a hash function does not distinguish from others: it folds a bigint into
# 32 bits, ignores the sign of a numeric, and returns the seed for a numeric that is NaN or infinite
UNSURE = {
    "hashint8extended": "{0} NOT BETWEEN 0 AND 4294967295",
    "hash_numeric_extended": "({0} < 0 OR {0} >= 'Infinity')",
}


def row_hash(columns: Mapping[str, str], exact: Collection[str]) -> str:
    """Return an SQL expression for the hash of a row with these columns -> types.

    The hash of each column is the seed of the next. This costs half as much as the hash of a ROW,
    which is used only for rows with a NULL. The hash of a ROW is a weighted sum of its columns'
    hashes, so the sum over a day would stay the same if two rows swapped a value. It is therefore
    hashed again, as a seed. `exact` columns are always finite.
    """
    chain = "0::bigint"
    for name, source_type in columns.items():
        chain = _hash_of(name, source_type, chain)
    row = ", ".join(_hashed(name, source_type) for name, source_type in columns.items())
    of_row = f"hashint4extended(0, hash_record_extended(ROW({row}), 0::bigint))"
    doubles = [name for name, source_type in columns.items() if _function(source_type) in DOUBLES]
    unsure = {
        name: _unsure(name, _function(source_type), exact)
        for name, source_type in columns.items()
        if _function(source_type) in UNSURE
    }
    sure = _sure(unsure | _unsure_zeros(doubles), chain)
    return f"coalesce({sure}, {_sure(unsure | {name: f'{name} = 0' for name in doubles}, of_row)})"


def _unsure(name: str, function: str, exact: Collection[str]) -> str:
    is_finite = function == "hash_numeric_extended" and name in exact
    return f"{name} < 0" if is_finite else UNSURE[function].format(name)


def _unsure_zeros(doubles: list[str]) -> dict[str, str]:
    """Return the conditions of zeros whose hash can equal that of a zero elsewhere.

    The hash of zero is the seed itself. So -0 and 0 hash alike, and a row with a zero in one column
    can hash like a row with a zero in another. In a ROW, NULL hashes to the seed too, so there
    `row_hash` treats every zero as unsure.
    """
    zeros = {}
    for place, name in enumerate(doubles):
        doubtful = [f"{name}::text = '-0'", *(f"{each} <> 0" for each in doubles[place + 1 :])]
        zeros[name] = f"{name} = 0 AND ({' OR '.join(doubtful)})"
    return zeros


def _sure(unsure: Mapping[str, str], row_hash: str) -> str:
    """Return SQL that hashes these values again, as text, if one of them is unsure.

    The hashes of other rows stay as they are.
    """
    if not unsure:
        return row_hash
    values = f'ROW({", ".join(unsure)})::text COLLATE "C"'
    again = f"hashtextextended({values}, {row_hash})"
    return f"CASE WHEN {' OR '.join(unsure.values())} THEN {again} ELSE {row_hash} END"


def _hash_of(column: str, source_type: str, seed: str) -> str:
    """Return SQL for the hash of a column. A timestamp with a zone is hashed as its UTC time."""
    value = _hashed(column, source_type)
    if source_type.endswith("with time zone"):
        value = f"({value} AT TIME ZONE 'UTC')"
    return f"{_function(source_type)}({value}, {seed})"


def _hashed(column: str, source_type: str) -> str:
    """Return SQL for the value that is hashed: of a text, its bytes.

    A nondeterministic collation would hash different texts alike if it considers them equal.
    """
    if _kind(source_type) == "character":
        return f'{column} COLLATE "C"'
    return f'{column}::text COLLATE "C"' if _function(source_type) == "hashtextextended" else column


def _function(source_type: str) -> str:
    return HASHES.get(_kind(source_type), "hashtextextended")


def _kind(source_type: str) -> str:
    return re.split(r"\(| with", source_type)[0]
