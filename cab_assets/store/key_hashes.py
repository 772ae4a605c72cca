"""Find repeated keys by 64-bit hashes: a Python set of two million keys would take 200 MB."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cab_assets.declarations import Table

NO_HASHES = np.zeros(0, dtype=np.uint64)
# Masks of the first 0 to 8 bytes of a 64-bit word
BYTES_OF_WORD = np.array([2 ** (8 * held) - 1 for held in range(9)], dtype=np.uint64)


def key_hashes(batch: pa.RecordBatch, table: Table) -> np.ndarray:
    """Return a 64-bit hash of each row's key."""
    hashes = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in table.key:
        for word in words(batch[name]):
            mixed = (hashes ^ word) * np.uint64(0x9E3779B97F4A7C15)
            # A padding word does not change the hash
            hashes = np.where(word == 0, hashes, mixed ^ (mixed >> np.uint64(32)))
    return hashes


def words(values: pa.Array) -> Iterator[np.ndarray]:
    """Yield the values as 64-bit words. No word is 0, except as padding."""
    if pa.types.is_integer(values.type):
        yield np.asarray(pc.fill_null(values, -1)).astype(np.uint64) + np.uint64(1)
    else:
        yield from string_words(_texts(values))


def _texts(values: pa.Array) -> pa.StringArray:
    """Return values of any type as texts; bytes are not decoded."""
    kind = values.type
    return values.view(pa.string()) if pa.types.is_binary(kind) else values.cast(pa.string())


def string_words(strings: pa.StringArray) -> Iterator[np.ndarray]:
    """Yield each string's bytes as zero-padded 64-bit words: all first words, all second, …"""
    filled = pc.fill_null(strings, "")
    _, offsets, data = filled.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[
        filled.offset : filled.offset + len(filled) + 1
    ].astype(np.int64)
    lengths = np.diff(starts)
    padded = np.frombuffer(bytes(data or b"") + bytes(8), dtype=np.uint8)
    # The word that starts at any byte, as a view: no string is copied
    word_at = np.ndarray(padded.size - 7, dtype=np.uint64, buffer=padded, strides=(1,))
    for done in range(0, int(lengths.max(initial=0)) + 1, 8):
        held = np.clip(lengths - done, 0, 8)
        yield word_at[np.minimum(starts[:-1] + done, padded.size - 8)] & BYTES_OF_WORD[held]


def has_repeats(hashes: np.ndarray) -> bool:
    """Return whether two hashes are equal. The array is sorted in place."""
    # The stable sort is fast here, because it merges parts that are sorted already
    hashes.sort(kind="stable")
    return bool((hashes[1:] == hashes[:-1]).any())
