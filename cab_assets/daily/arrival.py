"""Compare some written rows with the same rows as a second reader gets them from the source."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake, reading
from cab_assets.declarations import ROW_HASH, SourceTable
from cab_assets.sources.plain import Key, Row, key_of, plain_rows
from cab_assets.sources.source_day import Hashes, SourceDay
from cab_assets.store.checks import Judgement

# Number of rows that are compared: more would make the import slower
SAMPLE_ROWS = 300
# A failed check shows the values of this many rows, each value with this many characters
SHOWN_ROWS = 3
SHOWN_CHARACTERS = 100
# Not seeded: each import compares other rows, so that one finds what another missed
CHANCE = random.SystemRandom()


def arrived(source: SourceDay, lake: Lake, path: str, read: Sequence[Hashes]) -> Judgement:
    """Compare some rows of a file with the source, value by value.

    `read` are the hashes of all rows, as they were read. Without a shared snapshot, a row of the
    source may have changed since. A row that differs and has a new hash is counted, but not a
    failure.
    """
    declared = source.source.declared
    if not declared.key:
        return True, {"compared": "0, because the table has no key"}
    chosen = (row for row in sample(lake, path) if None not in key_of(declared, row))
    written = sorted(chosen, key=partial(key_of, declared))
    sent = plain_rows(source, written)
    odd = {
        key_of(declared, row): found
        for row in written
        if (found := _differences(declared, row, sent))
    }
    changed = set() if source.shares_a_snapshot or not odd else _changed(source, odd, sent, read)
    wrong = [found for key, found in odd.items() if key not in changed]
    left_out = {"changed between the two readings": str(len(changed))} if changed else {}
    shown = {name: said for found in wrong[:SHOWN_ROWS] for name, said in found.items()}
    different = {"different": str(len(wrong)), **shown} if wrong else {}
    detail = {"compared": str(len(written)), **left_out, **different}
    return not wrong, detail


def _changed(
    source: SourceDay,
    keys: Iterable[Key],
    sent: Mapping[Key, Sequence[Row]],
    read: Sequence[Hashes],
) -> set[Key]:
    """Return the keys whose rows in the source are not those that were read.

    A key that the source no longer has counts as changed if the row hashes of the day changed.
    """
    hashes = np.concatenate(read)
    known = set(
        hashes[np.isin(hashes, [row[ROW_HASH] for rows in sent.values() for row in rows])].tolist()
    )
    found = {key: {row[ROW_HASH] for row in sent.get(key, ())} for key in keys}
    changed = {key for key, of_key in found.items() if of_key - known}
    gone = {key for key, of_key in found.items() if not of_key}
    same = gone and source.control_totals().fingerprint.row_hash == int(hashes.sum()) % 2**64
    return changed if same else changed | gone


def sample(lake: Lake, path: str) -> list[Row]:
    """Return random rows of a random row group of a Parquet file.

    A row group is always read completely, and reading all of them would slow down the import.
    """
    with reading(path), pq.ParquetFile(path, filesystem=lake.files, pre_buffer=True) as file:
        if not file.num_row_groups:
            return []
        table = file.read_row_group(CHANCE.randrange(file.num_row_groups), use_threads=False)
    chosen = CHANCE.sample(range(table.num_rows), min(SAMPLE_ROWS, table.num_rows))
    # An empty list would otherwise have the type null, which `take` rejects
    rows: list[Row] = table.take(pa.array(chosen, pa.int64())).to_pylist()
    return rows


def _differences(table: SourceTable, row: Row, sent: Mapping[Key, Sequence[Row]]) -> dict[str, str]:
    """Return the values that differ from the source, by column and key.

    If the source has the key more than once, the row may equal any of these rows.
    """
    found = sent.get(key_of(table, row), ())
    candidates = [dict(_compared(table.names, row, each)) for each in found]
    key = ", ".join(str(row[name]) for name in table.key)
    if not candidates:
        return {f"{', '.join(table.key)} of {key}": "not in the source"}
    if {} in candidates:
        return {}
    return {f"{name} of {key}": said for name, said in candidates[0].items()}


def _compared(names: Iterable[str], written: Row, sent: Row) -> Iterator[tuple[str, str]]:
    for name in names:
        ours, theirs = written[name], sent[name]
        if not _same(ours, theirs):
            yield name, f"source {_shown(theirs)}, written {_shown(ours)}"


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        # As text, -0.0 differs from 0.0, and NaN equals NaN
        return repr(ours) == repr(theirs)
    return bool(ours == theirs)


def _shown(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}… ({len(said)})"
