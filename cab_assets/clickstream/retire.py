"""Retiring: batches that the day tables hold leave the metastore, their files a grace later.

Never retired: the newest commit, which is the state, and a batch of which a day is not folded and
visible.
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

# Upper bound of folded batches in the view: every batch adds a few files to each query
KEPT = 1000


def retirable(
    committed_batches: Iterable[Batch],
    lacking: Iterable[Batch],
    *,
    retention: timedelta,
    now: datetime,
) -> list[int]:
    """Return the numbers of the batches to drop.

    These are the oldest ones, as far as none is `lacking` in a day table and each is old or beyond
    KEPT.
    """
    oldest_first = sorted(committed_batches, key=lambda batch: batch.number)[:-1]
    first_lacking = min((batch.number for batch in lacking), default=None)
    folded = [
        batch for batch in oldest_first if first_lacking is None or batch.number < first_lacking
    ]
    crowded = len(folded) - KEPT
    # No hole, whatever the writers' clocks
    old = takewhile(
        lambda each: each[0] < crowded or now - each[1].written >= retention, enumerate(folded)
    )
    return [batch.number for _, batch in old]


def collect_batches(
    ledger: Ledger, *, grace: timedelta, now: datetime, active_runs: Collection[str]
) -> Iterator[Collected]:
    """Delete folders that no number names, and checkpoints of killed runs, after `grace`.

    The time counts from when a folder was first seen unused. A folder stays as long as it can be
    committed, and so does whatever belongs to an active run or to an operator's command that may
    still be running.
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
    """Return whether the staged folder can no longer be committed.

    Its offsets are committed by another batch, or its run has deleted its checkpoint.
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
