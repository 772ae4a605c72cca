"""Folding: merge committed batches into the daily tables `clicks` and `rejects`.

A new version of a day consists of its newest version and the rows of the batches after it. The id
of a version names the last batch in it. It therefore does not matter how often, in which order or
by how many runs days are folded.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cab_assets.clickstream.batch import Batch, partition_value
from cab_assets.clickstream.chain import (
    ANOTHER,
    REMEDY,
    AnotherBatch,
    BatchesGone,
    before,
    damaged,
    made_through,
)
from cab_assets.clickstream.day_tables import DayTable, Due
from cab_assets.clickstream.fold_checks import FOLD_CHECKS, Evidence
from cab_assets.clients.known_failures import Refused
from cab_assets.clients.spark import Spark, SparkFailed
from cab_assets.errors import Unavailable
from cab_assets.store.checks import judged
from cab_assets.store.draft import Draft
from cab_assets.store.folders import AS_LISTED
from cab_assets.store.manifest import Manifest
from cab_assets.store.table_store import TableStore
from cab_assets.store.versions import version_id


@dataclass(frozen=True)
class Folding:
    """One fold of a daily table.

    `batches` are the committed batches that are not retired, oldest first.
    """

    store: TableStore
    spark: Spark
    target: DayTable
    run_id: str
    batches: Sequence[Batch]

    def days(self, asked: Iterable[str] = ()) -> list[str]:
        """Return `asked` and every day for which a batch has rows."""
        return sorted(
            {day for batch in self.batches for day in self.target.days_of(batch)} | set(asked)
        )

    def due(self, days: Iterable[str], shown: Mapping[str, str] | None = None) -> list[Due]:
        """Return each day with the batches that are not merged into it.

        `shown` are the versions to which the Hive partitions point, by day.
        """
        return [self._due(day, (shown or {}).get(day)) for day in days]

    def fold(self, due: Iterable[Due]) -> dict[str, Manifest | Exception]:
        """Return the new, validated version of each day that is behind, or the error of the day."""
        intact = [self._intact(each) for each in due if each.is_behind]
        # An older version may contain the same batches as a damaged one, so check again
        behind = [each for each in intact if each.is_behind]
        failed: dict[str, Manifest | Exception] = {
            each.day.date: each.fault for each in behind if each.fault
        }
        version = version_id(partition_value(self._through), self.store.table, self.run_id)
        started = time.monotonic()
        failed |= self._write(
            [each for each in behind if (each.batches or each.found.surplus) and not each.fault],
            version,
        )
        seconds = (time.monotonic() - started) / max(len(behind), 1)
        good = (each for each in behind if each.day.date not in failed)
        return failed | {each.day.date: self._sealed(each, version, seconds) for each in good}

    @property
    def _through(self) -> int:
        return self.batches[-1].number if self.batches else 0

    def _due(self, date: str, shown: str | None = None) -> Due:
        day = self.store.day(date)
        current, lost = day.newest_and_lost(shown)
        through = (current.through_batch or 0) if current else 0
        found = day.differences(current) if current else AS_LISTED
        if current and (other := self._another(current)):
            said = ANOTHER.format(
                day, current.version, through, current.through_folder, other.folder
            )
            return Due(day, current, fault=AnotherBatch(said))
        try:
            batches = self._after(through, lost)
        except BatchesGone as gone:
            fault = BatchesGone(f"{day} lacks the records of {gone}. {REMEDY.format(lost)}")
            return Due(day, current, found=found, fault=fault)
        touching = (batch for batch in batches if date in self.target.days_of(batch))
        return Due(day, current, tuple(each for each in touching if each.number > through), found)

    def _another(self, current: Manifest) -> Batch | None:
        """Return the batch with the number, but not the folder, of the last batch in a version."""
        if current.through_folder is None:
            return None
        same = (batch for batch in self.batches if batch.number == current.through_batch)
        return next((batch for batch in same if batch.folder != current.through_folder), None)

    def _after(self, through: int, lost: str | None) -> Sequence[Batch]:
        """Return the batches from which the rows after batch `through` come.

        They include retired batches only if the version `lost`, which contained them, is damaged.
        """
        held = made_through(lost) if lost else 0
        if through < held and self.batches and through + 1 < self.batches[0].number:
            return [*before(self.store.lake, self.batches[0], through + 1), *self.batches]
        return self.batches

    def _intact(self, due: Due) -> Due:
        """Return the day with its newest version whose listed files are intact.

        Mark damaged versions as condemned.
        """
        if due.fault or due.current is None or not (due.batches or due.found.first):
            return due
        if due.day.is_intact(due.current, surplus=True):
            return due
        return self._intact(self._due(due.day.date))

    def _write(self, due: list[Due], version: str) -> dict[str, Exception]:
        """Write the days whose batches are intact; return the errors of the other days."""
        wrong = damaged(
            self.store.lake,
            {batch.number: batch for each in due for batch in each.batches}.values(),
        )
        failed: dict[str, Exception] = {
            each.day.date: wrong[batch.number]
            for each in due
            for batch in each.batches
            if batch.number in wrong
        }
        return failed | self._run([each for each in due if each.day.date not in failed], version)

    def _run(self, due: list[Due], version: str) -> dict[str, Exception]:
        """Write the days in one Spark job. Return the errors of the days that cannot be written.

        If the job fails, repeat it with each half of the days, down to single days.
        """
        if not due:
            return {}
        try:
            self.spark.run(
                lambda session: self.target.write(session, self.store.lake, due, version)
            )
        except Refused as error:
            # A subclass has a known cause, which is the same for all days
            if type(error) is not SparkFailed:
                raise
            if len(due) == 1:
                return {due[0].day.date: error}
            half = len(due) // 2
            return self._run(due[:half], version) | self._run(due[half:], version)
        return {}

    def _sealed(self, due: Due, version: str, seconds: float) -> Manifest | Exception:
        try:
            return self._seal(due, version, self._through, seconds)
        except Unavailable:
            raise
        # Any other error fails only this day
        except Exception as error:  # noqa: BLE001
            return error

    def _seal(self, due: Due, version: str, through: int, seconds: float) -> Manifest:
        draft = Draft(due.day, version, began=time.monotonic() - seconds)
        draft.adopt()
        summed = ["copies"] if "copies" in self.store.table.names else []
        contents = draft.read_back(summed=summed, ranged=[self.target.moment])
        records = int(contents.sums.get("copies", contents.rows) or 0)
        manifest = draft.seal(
            contents.rows,
            judged(FOLD_CHECKS, Evidence(self.target, due, contents, records)),
            records=records,
            made_from={due.current.table: due.current.version} if due.current else {},
            through_batch=through,
            through_folder=self.batches[-1].folder if self.batches else None,
        )
        # Not earlier: the new version is made from the files of the old one
        if manifest.passed and due.current and due.found.surplus:
            due.day.condemn(due.current.version, due.found.surplus[0])
        return manifest
