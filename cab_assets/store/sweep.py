"""Holding every day of a table against the metastore: its partition is the newest version, as it was written."""

from concurrent.futures import ThreadPoolExecutor

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.schemas import Table
from cab_assets.store.collect import partitions
from cab_assets.store.folders import LOOKS_AT_ONCE, differences
from cab_assets.store.publish import pointed_version
from cab_assets.store.versions import Partition, newest, without_run


def astray(lake: Lake, hive: Hive, table: Table) -> dict[str, str]:
    """Return the days that readers do not see as the lake holds them, with what is wrong. No file is read."""
    hive.create(table, lake.url(table.name))
    days = sorted({partition.day for partition in partitions(lake, table)} | hive.days(table))
    pointers = hive.locations(table, days)
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        found = pool.map(lambda day: _look(lake, Partition(table, day), pointers.get(day)), days)
        return {day: wrong for day, wrong in zip(days, found, strict=True) if wrong}


def _look(lake: Lake, partition: Partition, location: str | None) -> str | None:
    manifest = newest(lake, partition)
    shown = pointed_version(lake, partition, location) if location else None
    if manifest is None or (shown and without_run(shown) > without_run(manifest.version)):
        return f"{partition} points at {location}, which does not count: files are lost or damaged" if location else None
    if problem := differences(lake, partition.version_path(manifest.version), manifest.files).first:
        return problem
    if location is None:
        return f"{partition} has no partition in Hive, though the lake holds {manifest.version}"
    return None if shown == manifest.version else f"{partition} points at {location}, its newest version is {manifest.version}"
