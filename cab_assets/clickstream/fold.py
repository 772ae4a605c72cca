"""Folding: the day tables `clicks` and `rejects` take up the rows of the batches they do not hold yet.

A new version of a day is its newest version and the rows of the batches after it, so it does not matter how often, in
which order or by how many runs days are folded: a version says in its id through which batch it goes.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cab_assets.clickstream.batch import Batch, partition_value
from cab_assets.clickstream.chain import BatchesGone, before, damaged
from cab_assets.clickstream.day_tables import DayTable, Due
from cab_assets.clients.failures import Refused
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark, SparkFailed
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.audit import Contents, read_back
from cab_assets.store.folders import AS_LISTED, differences
from cab_assets.store.manifest import DataFile, Finding, Manifest
from cab_assets.store.versions import Partition, condemn, digest, is_whole, newest_and_lost, version_id
from cab_assets.store.writer import seal, write_rows

CURE = (
    "Version {0} held them and no longer counts: restore its files from a copy of the lake and delete its _condemned,"
    " or restore these batches, then run the day again. docs/operations.md#a-day-of-clicks-is-damaged says how to go on without them"
)
ANOTHER = (
    "{0}: version {1} goes through batch {2} in {3}, but batch {2} is {4} now: the metastore was put back, and numbers were given out again."
    " Delete the folder of that version and run the day again: it is made anew from the version before and the batches there are now"
)


class AnotherBatch(CabError):
    """The number of the newest batch in a day belongs to another batch now."""


@dataclass(frozen=True)
class Folding:
    """One go at one day table. `batches` are those that are committed and not retired, oldest first."""

    lake: Lake
    spark: Spark
    target: DayTable
    run_id: str
    batches: Sequence[Batch]

    def days(self, asked: Iterable[str] = ()) -> list[str]:
        """Return `asked` and every day that a batch touches."""
        return sorted({day for batch in self.batches for day in self.target.days_of(batch)} | set(asked))

    def due(self, days: Iterable[str], shown: Mapping[str, str] | None = None) -> list[Due]:
        """Return each day with the batches it lacks. `shown` are the versions that the metastore names."""
        return [self._due(day, (shown or {}).get(day)) for day in days]

    def fold(self, due: Iterable[Due]) -> dict[str, Manifest | Exception]:
        """Return the audited new version of each day that is behind, or why it has none."""
        sound = [self._sound(each) for each in due if each.is_behind]
        behind = [each for each in sound if each.is_behind]  # an older version may hold the same batches as a damaged one
        failed: dict[str, Manifest | Exception] = {each.partition.day: each.fault for each in behind if each.fault}
        version = version_id(partition_value(self._through), self.target.table, self.run_id)
        started = time.monotonic()
        failed |= self._write([each for each in behind if (each.batches or each.found.surplus) and not each.fault], version)
        seconds = (time.monotonic() - started) / max(len(behind), 1)
        good = (each for each in behind if each.partition.day not in failed)
        return failed | {each.partition.day: self._sealed(each, version, seconds) for each in good}

    @property
    def _through(self) -> int:
        return self.batches[-1].number if self.batches else 0

    def _due(self, day: str, shown: str | None = None) -> Due:
        partition = Partition(self.target.table, day)
        standing, lost = newest_and_lost(self.lake, partition, shown)
        through = (standing.through_batch or 0) if standing else 0
        found = differences(self.lake, partition.version_path(standing.version), standing.files) if standing else AS_LISTED
        if standing and (other := self._another(standing)):
            said = ANOTHER.format(partition, standing.version, through, standing.through_folder, other.folder)
            return Due(partition, standing, fault=AnotherBatch(said))
        try:
            batches = self._after(through, lost)
        except BatchesGone as gone:
            fault = BatchesGone(f"{partition} lacks the records of {gone}. {CURE.format(lost)}")
            return Due(partition, standing, found=found, fault=fault)
        touching = (batch for batch in batches if day in self.target.days_of(batch))
        return Due(partition, standing, tuple(each for each in touching if each.number > through), found)

    def _another(self, standing: Manifest) -> Batch | None:
        """Return the batch that has the number, and not the folder, of the newest one in a version."""
        if standing.through_folder is None:
            return None
        same = (batch for batch in self.batches if batch.number == standing.through_batch)
        return next((batch for batch in same if batch.folder != standing.through_folder), None)

    def _after(self, through: int, lost: str | None) -> Sequence[Batch]:
        """Return the batches after `through`, with retired ones only where the version that held them is lost."""
        held = made_through(lost) if lost else 0
        if through < held and self.batches and through + 1 < self.batches[0].number:
            return [*before(self.lake, self.batches[0], through + 1), *self.batches]
        return self.batches

    def _sound(self, due: Due) -> Due:
        """Return the day on a version whose listed files are whole; one that is damaged is condemned."""
        if due.fault or due.standing is None or not (due.batches or due.found.first):
            return due
        if is_whole(self.lake, due.partition, due.standing, surplus=True):
            return due
        return self._sound(self._due(due.partition.day))

    def _write(self, due: list[Due], version: str) -> dict[str, Exception]:
        """Write the days whose batches are whole; return why the others are not."""
        wrong = damaged(self.lake, {batch.number: batch for each in due for batch in each.batches}.values())
        failed: dict[str, Exception] = {each.partition.day: wrong[batch.number] for each in due for batch in each.batches if batch.number in wrong}
        return failed | self._run([each for each in due if each.partition.day not in failed], version)

    def _run(self, due: list[Due], version: str) -> dict[str, Exception]:
        """Write the days in one job; if that fails, write them without those it fails for, and return these."""
        if not due:
            return {}
        try:
            self.spark.run(lambda session: self.target.write(session, self.lake, due, version))
        except Refused as error:
            if type(error) is not SparkFailed:
                raise  # its reason is known, and lies with Spark
            if len(due) == 1:
                return {due[0].partition.day: error}
            half = len(due) // 2
            return self._run(due[:half], version) | self._run(due[half:], version)
        return {}

    def _sealed(self, due: Due, version: str, seconds: float) -> Manifest | Exception:
        try:
            return self._seal(due, version, self._through, seconds)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is this day's alone
            return error

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
            through_folder=self.batches[-1].folder if self.batches else None,
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


def made_through(version: str) -> int:
    """Return the number of the batch that a version goes through."""
    return int(version.split("-")[0])


def _key(contents: Contents) -> Finding:
    return Finding(check="place_is_key", passed=contents.repeated_keys == 0, detail={"repeated": str(contents.repeated_keys)})


def _inside_day(day: str, contents: Contents, moment: str) -> Finding:
    start = datetime.fromisoformat(day)
    first, last = (each.replace(tzinfo=None) for each in contents.ranges.get(moment, (start, start)))
    inside = first.date() == last.date() == start.date()
    return Finding(check="rows_inside_day", passed=inside, detail={"first": str(first), "last": str(last)})
