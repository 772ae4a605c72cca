"""Retiring: folded batches are dropped from the metastore; their files are deleted later.

Two kinds of batches are never retired: the newest, which has the state, and a batch of which some
day is not folded and published.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile

import pyarrow.fs as pafs

from cab_assets.clickstream.batch import Batch, committed_ends, read_batch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import may_be_written
from cab_assets.clickstream.query import CHECKPOINTS
from cab_assets.clients.lake import Lake
from cab_assets.schemas import CLICKSTREAM_BATCHES
from cab_assets.store.collect import Collected, delete, marked

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
    """
    newest, lake = ledger.newest(), ledger.lake
    named = {batch.folder for batch in ledger.shown(newest)}
    for info in lake.list(CLICKSTREAM_BATCHES.name):
        if (
            info.base_name in named
            or info.base_name.startswith("_")
            or may_be_written(info.base_name, now)
        ):
            continue
        over = is_over(lake, info.base_name, newest)
        if (
            over
            and not info.base_name.startswith(tuple(active_runs))
            and is_due(lake, info.path, grace, now)
        ):
            yield delete(lake, info.path)
    for info in lake.list(CHECKPOINTS):
        if not info.base_name.startswith(tuple(active_runs)) and is_due(
            lake, info.path, grace, now
        ):
            yield delete(lake, info.path)


def is_due(lake: Lake, path: str, grace: timedelta, now: datetime) -> bool:
    return now - marked(lake, path, now) >= grace


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
    except FileNotFoundError:
        return bool(lake.info(f"{CHECKPOINTS}/{query}").type != pafs.FileType.Directory)
    ((topic, ends),) = json.loads(log).items()
    return all(
        end <= committed_ends(newest, topic).get(int(partition), 0)
        for partition, end in ends.items()
    )
