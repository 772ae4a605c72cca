"""Retiring: folded batches are dropped from the metastore; their files are deleted later.

Two kinds of batches are never retired: the newest, which has the state, and a batch of which some
day is not folded and published.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile

import pyarrow.fs as pafs

from cab_assets.clickstream.batch import Batch, committed_ends, read_batch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import FOLDER_NAME, QUERY_NAME, may_be_written
from cab_assets.clickstream.query import CHECKPOINTS
from cab_assets.clients.lake import Lake
from cab_assets.store.collect import Collected, Refusals, delete, is_due
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

# Upper bound of folded batches in the views: each batch adds a few files to every query
KEPT = 1000


def retirable(
    committed_batches: Iterable[Batch],
    lacking: Iterable[Batch],
    *,
    retention: timedelta,
    now: datetime,
) -> list[int]:
    """Return the numbers of the batches to drop, without gaps from the oldest one on.

    None of them is `lacking` in a daily table, and each is older than `retention` or exceeds KEPT.
    """
    oldest_first = sorted(committed_batches, key=lambda batch: batch.number)[:-1]
    first_lacking = min((batch.number for batch in lacking), default=None)
    folded = [
        batch for batch in oldest_first if first_lacking is None or batch.number < first_lacking
    ]
    crowded = len(folded) - KEPT
    # Drop only a contiguous prefix of the numbers: `written` comes from the clocks of many machines
    old = takewhile(
        lambda each: each[0] < crowded or now - each[1].written >= retention, enumerate(folded)
    )
    return [batch.number for _, batch in old]


def collect_batches(
    ledger: Ledger, *, grace: timedelta, now: datetime, active_runs: Collection[str]
) -> Iterator[Collected]:
    """Delete folders without a number, and checkpoints of killed runs, after the time `grace`.

    The time starts when a folder is first seen unused. A folder stays as long as it can be
    committed, or belongs to an active run or to an operator's command that may still be running.
    Files and folders with other names are never touched. At the end, raise LakeRefused if a folder
    cannot be marked or deleted.
    """
    refusals, lake = Refusals(), ledger.lake
    active = tuple(active_runs)
    for path in [*_orphans(ledger, active, now), *_folders(lake, CHECKPOINTS, QUERY_NAME, active)]:
        with refusals.noted():
            if is_due(lake, path, grace, now):
                yield delete(lake, path)
    refusals.raise_if_any()


def _orphans(ledger: Ledger, active: tuple[str, ...], now: datetime) -> Iterator[str]:
    """Yield the paths of folders without a number that can no longer be committed."""
    newest = ledger.newest()
    named = {batch.folder for batch in ledger.shown(newest)}
    for path in _folders(ledger.lake, CLICKSTREAM_BATCHES.name, FOLDER_NAME, active):
        folder = path.rpartition("/")[2]
        kept = folder in named or may_be_written(folder, now)
        if not kept and is_over(ledger.lake, folder, newest):
            yield path


def _folders(lake: Lake, path: str, names: str, active: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of the folders in `path` that a run or command made, unless it is active."""
    for info in lake.list(path):
        is_ours = info.type == pafs.FileType.Directory and re.fullmatch(names, info.base_name)
        if is_ours and not info.base_name.startswith(active):
            yield info.path


def is_over(lake: Lake, folder: str, newest: Batch | None) -> bool:
    """Return whether the staged folder is obsolete and can no longer be committed.

    Another batch has committed its offsets, or its checkpoint no longer exists.
    """
    if batch := read_batch(lake, folder):
        ends = committed_ends(newest, batch.topic)
        passed = any(each.start < ends.get(each.partition, 0) for each in batch.ranges)
        return passed or (
            batch.kind != "ingest" and newest is not None and batch.number < newest.number
        )
    query, _, number = folder.rpartition("-")
    try:
        log = lake.read(f"{CHECKPOINTS}/{query}/offsets/{number}").decode().splitlines()[2]
    # A crashed host or a full disk leaves an empty file
    except (FileNotFoundError, IndexError):
        return bool(lake.info(f"{CHECKPOINTS}/{query}").type != pafs.FileType.Directory)
    ((topic, ends),) = json.loads(log).items()
    return all(
        end <= committed_ends(newest, topic).get(int(partition), 0)
        for partition, end in ends.items()
    )
