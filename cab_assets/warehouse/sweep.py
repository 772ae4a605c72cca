"""Holding every day of a table against the metastore: its partition is the newest version, as it was written."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cab_assets.resources.hive import Hive
from cab_assets.resources.lake import Lake
from cab_assets.schemas import Table
from cab_assets.warehouse.collect import partitions
from cab_assets.warehouse.folders import differences
from cab_assets.warehouse.publish import pointed_version
from cab_assets.warehouse.versions import Partition, newest, without_run

LOOKS_AT_ONCE = 8  # each is three or four requests to the lake, which take 30 ms each on S3


@dataclass(frozen=True)
class Astray:
    """What is wrong with a published day."""

    says: str
    lost: bool  # the lake no longer holds all rows that were published


def astray(lake: Lake, hive: Hive, table: Table, among: Iterable[str] | None = None) -> dict[str, Astray]:
    """Return the days, of all there are or `among` some, that readers do not see as the lake holds them. No file is read."""
    hive.create(table, lake.url(table.name))
    every = {partition.day for partition in partitions(lake, table)} | hive.days(table) if among is None else among
    days = sorted(every)
    pointers = hive.locations(table, days)
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        found = pool.map(lambda day: _look(lake, Partition(table, day), pointers.get(day)), days)
        return {day: wrong for day, wrong in zip(days, found, strict=True) if wrong}


def _look(lake: Lake, partition: Partition, location: str | None) -> Astray | None:
    manifest = newest(lake, partition)
    shown = pointed_version(lake, partition, location) if location else None
    if manifest is None or (shown and without_run(shown) > without_run(manifest.version)):
        return Astray(f"{partition} points at {location}, which does not count: files are lost or damaged", lost=True) if location else None
    found = differences(lake, partition.version_path(manifest.version), manifest.files)
    if problem := found.first:
        return Astray(problem, lost=bool(found.lost))
    if location is None:
        return Astray(f"{partition} has no partition in Hive, though the lake holds {manifest.version}", lost=False)
    at_newest = shown == manifest.version
    return None if at_newest else Astray(f"{partition} points at {location}, its newest version is {manifest.version}", lost=False)
