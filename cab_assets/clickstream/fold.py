"""Folding: the day tables `clicks` and `rejects` take up the rows of the batches they do not hold yet.

A new version of a day is its newest version and the rows of the batches after it, so it does not matter how often, in
which order or by how many runs days are folded: a version says in its id through which batch it goes.
"""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from cab_assets.clickstream.batch import Batch, batch_path, partition_value
from cab_assets.clickstream.day_tables import DayTable, Due
from cab_assets.errors import CabError
from cab_assets.resources.lake import Lake
from cab_assets.resources.spark import Spark
from cab_assets.warehouse.audit import Contents, read_back
from cab_assets.warehouse.folders import AS_LISTED, Differences, differences
from cab_assets.warehouse.manifest import DataFile, Finding, Manifest
from cab_assets.warehouse.versions import Partition, condemn, digest, newest, version_id
from cab_assets.warehouse.writer import seal, write_rows

LOOKS_AT_ONCE = 8  # a look takes 30 ms on S3, and a fold has hundreds of batches


class DamagedBatch(CabError):
    """The folder of a committed batch does not hold what its manifest lists."""


def refuse_damaged(lake: Lake, batches: Iterable[Batch]) -> None:
    """Raise DamagedBatch for the first batch with a file too many, too few or of another size."""

    def look(batch: Batch) -> tuple[Batch, Differences]:
        return batch, differences(lake, batch_path(batch.folder), batch.contents.files)

    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        for batch, found in pool.map(look, batches):
            if found.first:
                cure = "restore it from a copy of the lake" if found.lost else "move it out of that folder"
                raise DamagedBatch(f"{found.first}, which is that of batch {batch.number}; {cure}, then run again")


@dataclass(frozen=True)
class Folding:
    """One go at one day table."""

    lake: Lake
    spark: Spark
    target: DayTable
    run_id: str

    def due(self, committed: Iterable[Batch], days: Iterable[str] = ()) -> list[Due]:
        """`days` and every day that a committed batch touches, each with the batches it lacks."""
        oldest_first = sorted(committed, key=lambda batch: batch.number)
        touched = {day for batch in oldest_first for day in self.target.days_of(batch)}
        return [self._due(day, oldest_first) for day in sorted(touched | set(days))]

    def fold(self, due: Iterable[Due], through: int) -> list[Manifest]:
        """Write and audit a version, through batch `through`, of each day that is behind."""
        behind = [each for each in due if each.is_behind]
        lacking = [each for each in behind if each.batches or each.found.surplus]
        refuse_damaged(self.lake, {batch.number: batch for each in lacking for batch in each.batches}.values())
        version = version_id(partition_value(through), self.target.table, self.run_id)
        started = time.monotonic()
        if lacking:
            self.spark.run(lambda session: self.target.write(session, self.lake, lacking, version))
        seconds = (time.monotonic() - started) / max(len(behind), 1)
        return [self._seal(each, version, through, seconds) for each in behind]

    def _due(self, day: str, batches: list[Batch]) -> Due:
        partition = Partition(self.target.table, day)
        standing = newest(self.lake, partition)
        through = (standing.through_batch or 0) if standing else 0
        lacked = tuple(batch for batch in batches if batch.number > through and day in self.target.days_of(batch))
        path = partition.version_path(standing.version) if standing else ""
        found = differences(self.lake, path, standing.files) if standing else AS_LISTED
        return Due(partition, standing, lacked, found)

    def _seal(self, due: Due, version: str, through: int, seconds: float) -> Manifest:
        files = self._files(due.partition, version)
        summed = ["copies"] if "copies" in due.partition.table.names else []
        contents = read_back(self.lake, due.partition, version, files, summed=summed, ranged=[self.target.moment])
        records = int(contents.sums.get("copies", contents.rows) or 0)
        manifest = Manifest(
            table=due.partition.table.name,
            day=due.partition.day,
            version=version,
            code_version=due.partition.table.code_version,
            files=files,
            rows=contents.rows,
            records=records,
            findings=(self._adds_up(due, records), _key(contents), _inside_day(due.partition.day, contents, self.target.moment)),
            made_from={due.standing.table: due.standing.version} if due.standing else {},
            through_batch=through,
            seconds=round(seconds, 3),
        )
        seal(self.lake, due.partition, manifest)
        if manifest.passed and due.standing and due.found.surplus:  # only now: the new version is made of the old one
            condemn(self.lake, due.partition, due.standing.version, due.found.surplus[0])
        return manifest

    def _files(self, partition: Partition, version: str) -> tuple[DataFile, ...]:
        """What Spark wrote for the day, or an empty file where nothing is left of it."""
        found = [info for info in self.lake.list(partition.version_path(version)) if info.base_name.endswith(".parquet")]
        if not found:
            return write_rows(self.lake, partition, version, [])
        return tuple(
            DataFile(name=info.base_name, bytes=info.size, rows=self.lake.parquet_rows(info.path), sha256=digest(self.lake, info.path)) for info in found
        )

    def _adds_up(self, due: Due, records: int) -> Finding:
        """Records before, and those of the batches, less those taken out, are the records now."""
        before = (due.standing.records or 0) if due.standing else 0
        arrived = sum(self.target.days_of(batch)[due.partition.day] for batch in due.batches)
        left = len(due.taken_out)
        detail = {"before": str(before), "arrived": str(arrived), "taken out": str(left), "now": str(records)}
        return Finding(check="adds_up_to_batches", passed=before + arrived - left == records, detail=detail)


def _key(contents: Contents) -> Finding:
    return Finding(check="place_is_key", passed=contents.repeated_keys == 0, detail={"repeated": str(contents.repeated_keys)})


def _inside_day(day: str, contents: Contents, moment: str) -> Finding:
    start = datetime.fromisoformat(day)
    first, last = (each.replace(tzinfo=None) for each in contents.ranges.get(moment, (start, start)))
    inside = first.date() == last.date() == start.date()
    return Finding(check="rows_inside_day", passed=inside, detail={"first": str(first), "last": str(last)})
