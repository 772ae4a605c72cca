"""Collecting versions that nobody can reach any more: superseded ones, and attempts that never came to count.

A reader whose files vanish gets fewer rows without an error, so a version is first marked, and its files go when the
mark is older than the grace. Never collected: the version that the metastore names, the newest one that counts, a
newer one that is withheld for lost rows, and the work of a run that is still active.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.schemas import Table
from cab_assets.store.manifest import MANIFEST
from cab_assets.store.publish import pointed_version
from cab_assets.store.versions import Partition, newest, version_ids, withheld

SUPERSEDED = "_superseded"  # holds when it was first seen that nothing names the version


@dataclass(frozen=True)
class Collected:
    """A version whose files are gone."""

    path: str
    bytes: int


def collect(lake: Lake, hive: Hive, table: Table, *, grace: timedelta, now: datetime, active_runs: Collection[str]) -> Iterator[Collected]:
    """Mark what is superseded since the last time, and delete what was marked `grace` ago or longer."""
    crowded = [partition for partition in partitions(lake, table) if len(version_ids(lake, partition)) > 1 or not newest(lake, partition)]
    pointers = hive.locations(table, [partition.day for partition in crowded]) if crowded else {}
    for partition in crowded:
        for version in sorted(unneeded(lake, partition, pointers.get(partition.day), active_runs)):
            path = partition.version_path(version)
            if now - marked(lake, path, now) >= grace:
                yield delete(lake, path)


def partitions(lake: Lake, table: Table) -> list[Partition]:
    folders = (info.base_name for info in lake.list(table.name))
    return [Partition(table, name.partition("=")[2]) for name in folders if name.startswith(f"{table.partition_column}=")]


def unneeded(lake: Lake, partition: Partition, location: str | None, active_runs: Collection[str]) -> set[str]:
    """The versions of a partition that nothing names; a mark on one that is needed again is taken off."""
    counting = newest(lake, partition)
    shown = pointed_version(lake, partition, location) if location else None
    held = withheld(lake, partition)  # as long as it is there, its state of the source is not imported again
    needed = {counting.version if counting else None, shown, held.version if held else None}
    versions = set(version_ids(lake, partition))
    for version in versions & needed:
        mark = f"{partition.version_path(str(version))}/{SUPERSEDED}"
        if lake.info(mark).is_file:
            lake.files.delete_file(mark)
    return {version for version in versions - needed if not version.endswith(tuple(active_runs))}


def marked(lake: Lake, path: str, now: datetime) -> datetime:
    """When the version at `path` was marked, which is now if it was not."""
    mark = f"{path}/{SUPERSEDED}"
    if not lake.info(mark).is_file:
        lake.write(mark, now.isoformat().encode())
        return now
    return datetime.fromisoformat(lake.read(mark).decode())


def delete(lake: Lake, path: str) -> Collected:
    """Delete a version, its manifest first: what is half gone does not count."""
    size = sum(info.size or 0 for info in lake.list(path))  # of a folder it is None
    if lake.info(f"{path}/{MANIFEST}").is_file:
        lake.files.delete_file(f"{path}/{MANIFEST}")
    lake.files.delete_dir(path)
    return Collected(path, size)
