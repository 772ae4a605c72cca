"""The proof that values arrived: some rows of the files against the same rows by another reader."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cab_assets.clients.lake import Lake, reading
from cab_assets.schemas import SourceTable
from cab_assets.sources.plain import Row, plain_rows
from cab_assets.sources.source import ROW_HASH
from cab_assets.sources.source_day import Hashes, SourceDay
from cab_assets.store.checks import Judgement

SAMPLE_ROWS = 300
SHOWN_ROWS = 3
SHOWN_CHARACTERS = 100
CHANCE = random.SystemRandom()  # other rows each time: what one import misses, another finds


def arrived(source: SourceDay, lake: Lake, path: str, read: Sequence[Hashes]) -> Judgement:
    """Compare some rows of a file with the source, value by value.

    `read` are the hashes of its rows.

    Without a shared snapshot, a row that differs and has another hash by now changed meanwhile: it
    is counted and left out.
    """
    declared = source.source.declared
    key, day = declared.key[0], declared.day
    chosen = (row for row in sample(lake, path) if row[key] is not None)
    written = sorted(chosen, key=itemgetter(key))
    sent = plain_rows(source, [(row[key], row[day]) for row in written])
    odd = {row[key]: found for row in written if (found := _differences(declared, row, sent))}
    changed = set() if source.shares_a_snapshot or not odd else _changed(source, odd, sent, read)
    wrong = [found for key, found in odd.items() if key not in changed]
    left_out = {"changed between the two readings": str(len(changed))} if changed else {}
    shown = {name: said for found in wrong[:SHOWN_ROWS] for name, said in found.items()}
    different = {"different": str(len(wrong)), **shown} if wrong else {}
    detail = {"compared": str(len(written)), **left_out, **different}
    return not wrong, detail


def _changed(
    source: SourceDay,
    keys: Iterable[str],
    sent: Mapping[str, Sequence[Row]],
    read: Sequence[Hashes],
) -> set[str]:
    """Return the keys whose rows in the source are not those that were read.

    Of a key that the source has not, nothing is known but whether the day changed as a whole.
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
    """Return some rows of a row group of a Parquet file; both are chosen by chance.

    A row group is read whole, so reading all of them would be 5 % of an import.
    """
    with reading(path), pq.ParquetFile(path, filesystem=lake.files, pre_buffer=True) as file:
        if not file.num_row_groups:
            return []
        table = file.read_row_group(CHANCE.randrange(file.num_row_groups), use_threads=False)
    chosen = CHANCE.sample(range(table.num_rows), min(SAMPLE_ROWS, table.num_rows))
    # else, of no rows, of type null
    rows: list[Row] = table.take(pa.array(chosen, pa.int64())).to_pylist()
    return rows


def _differences(table: SourceTable, row: Row, sent: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Return, by column and key, each value that is not the source's.

    A repeated key may be any of its rows.
    """
    key = row[table.key[0]]
    candidates = [dict(_compared(table.names, row, each)) for each in sent.get(key, ())]
    if not candidates:
        return {f"{table.key[0]} of {key}": "not in the source"}
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
        return repr(ours) == repr(theirs)  # -0.0 is not 0.0, NaN is NaN
    return bool(ours == theirs)


def _shown(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}… ({len(said)})"
