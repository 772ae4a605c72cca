"""The commits: numbered partitions of `clickstream_batches`, each added once, by the first writer.

Adding partition n+1 commits a batch; of several writers, one succeeds. After any other outcome (an
error, "already exists" or a time-out), the partition's location shows which batch has the number.
"""

import time
from dataclasses import dataclass

from cab_assets.clickstream.batch import (
    Batch,
    batch_path,
    is_partition_value,
    partition_value,
    read_batch,
    write_batch,
)
from cab_assets.clickstream.chain import chain
from cab_assets.clickstream.errors import CommitUnsettled, ForeignBatch, missing_manifest, no_batch
from cab_assets.clickstream.marks import (
    Newest,
    mark_newest,
    mark_retired,
    newest_mark,
    retired_mark,
)
from cab_assets.clickstream.views import declare_views
from cab_assets.clients.hive import Hive
from cab_assets.clients.known_failures import Refused
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.declare import declare_table
from cab_assets.store.pointers import Pointers
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

# Time limit for claiming a number. The next run continues from the outcome
CLAIM_SECONDS = 30
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Ledger:
    """The committed batches: numbers and folders from the metastore, contents from manifests."""

    lake: Lake
    hive: Hive

    @property
    def pointers(self) -> Pointers:
        return Pointers(self.hive, CLICKSTREAM_BATCHES)

    def create(self) -> None:
        """Create the table and its two views, and add batches that the metastore has lost again."""
        declare_table(self.hive, CLICKSTREAM_BATCHES, self.lake.url(CLICKSTREAM_BATCHES.name))
        declare_views(self.pointers)
        numbers = self.numbers()
        if retired_mark(self.lake) is None:
            mark_retired(self.lake, min(numbers, default=1) - 1)
        mark = newest_mark(self.lake)
        if mark and mark.number not in numbers and (newest := self.newest()):
            found = chain(self.lake, newest, numbers)
            self._show([batch for batch in found if batch.number not in numbers])

    def newest(self, hint: int | None = None) -> Batch | None:
        """Return the newest committed batch, whose manifest has the complete state.

        If the metastore has lost it, it is found in the lake. `hint` is the number that was the
        newest before; if it still is, the partitions need not be listed.
        """
        # Read the mark first, so that a correct metastore is never older than the mark
        mark = newest_mark(self.lake)
        newest = self._newest(hint)
        if mark is None or (newest and newest.number >= mark.number):
            return newest
        return self._marked(mark)

    def _newest(self, hint: int | None = None) -> Batch | None:
        known = self.at(hint) if hint else None
        if known and self.at(known.number + 1) is None:
            return known
        return next(filter(None, map(self.at, sorted(self.numbers(), reverse=True))), None)

    def at(self, number: int) -> Batch | None:
        """Return the batch committed under `number`, or None.

        Ignore a partition whose manifest has another number: a delayed statement added it.
        """
        folder = self._folder(number)
        batch = read_batch(self.lake, folder) if folder else None
        if folder and batch is None:
            raise missing_manifest(f"batch {number}", folder)
        return batch if batch and batch.number == number else None

    def shown(self, newest: Batch | None) -> list[Batch]:
        """Return the batches up to `newest` that are not retired, oldest first.

        Add batches that the metastore has lost again. A partition with a lower number is no batch:
        its writer was suspended for longer than the retention, and was killed before it could drop
        the partition.
        """
        numbers = self.numbers()
        found = chain(self.lake, newest, numbers)
        self._show([batch for batch in found if batch.number not in numbers])
        if found and found[-1].number - 1 in numbers:
            raise missing_manifest(f"the batch before {found[-1].number}", found[-1].previous)
        return found[::-1]

    def commit(self, staged: Batch, newest: Batch | None) -> Batch | None:
        """Commit a staged batch after `newest`, and return it.

        Return None if another writer has committed its offsets in the meantime.
        """
        before = newest
        while staged.continues(before):
            batch = staged.following(before)
            write_batch(self.lake, batch)
            if self._claim(batch) == batch.folder:
                if self._is_next(batch):
                    mark_newest(self.lake, batch.number, batch.folder)
                    return batch
                self.retire([batch.number])
                return None
            # None if that batch is retired by now: far more was committed than this writer knows
            if (before := self.at(batch.number)) is None:
                return None
        return None

    def numbers(self) -> set[int]:
        """Return the numbers of the partitions of `clickstream_batches`.

        Raises ForeignBatch if the value of one is not that of a batch.
        """
        values = self.pointers.values()
        if foreign := sorted(value for value in values if not is_partition_value(value)):
            raise no_batch(foreign[0], self.pointers.drop_statement(foreign[0]))
        return {int(value) for value in values}

    def retire(self, numbers: list[int]) -> None:
        """Drop batches from the metastore, oldest first.

        The order lets `_is_next` detect a writer that was suspended for longer than the retention.
        """
        mark_retired(self.lake, max(numbers))
        self.pointers.drop([partition_value(number) for number in sorted(numbers)])

    def _marked(self, mark: Newest) -> Batch:
        """Return the batch that is marked as the newest and that the metastore has lost."""
        if batch := read_batch(self.lake, mark.folder):
            return batch
        raise missing_manifest(
            f"batch {mark.number}, whose partition {CLICKSTREAM_BATCHES.name} no longer has,",
            mark.folder,
        )

    def _show(self, batches: list[Batch]) -> None:
        self.pointers.add({each.value: self.lake.url(batch_path(each.folder)) for each in batches})

    def _claim(self, batch: Batch) -> str:
        """Try to commit under the batch's number. Return the folder that now has the number."""
        deadline = time.monotonic() + CLAIM_SECONDS
        while True:
            try:
                self.pointers.claim(batch.value, self.lake.url(batch_path(batch.folder)))
                return batch.folder
            except CabError as error:
                cause = error
            try:
                if folder := self._folder(batch.number):
                    return folder
            # The metastore can fail if two statements change one partition at once, so retry
            except (Unavailable, Refused) as error:
                cause = error
            if time.monotonic() > deadline:
                raise CommitUnsettled(
                    f"it is not known whether batch {batch.number} is committed: {cause}. Run"
                    " again: the next run finds out"
                ) from cause
            time.sleep(RETRY_SECONDS)

    def _is_next(self, batch: Batch) -> bool:
        """Return False if a batch that has since been retired already used this number.

        This happens only if the writer was suspended for longer than the retention. Batches are
        retired oldest first and the newest stays. If the number was used before, the batch before
        it is therefore gone, and a batch with a higher number exists that does not follow this one.
        The first condition alone proves nothing: the batch before may be retired at any time.
        """
        if batch.number > 1 and self._folder(batch.number - 1) == batch.previous:
            return True
        if max(self.numbers(), default=0) <= batch.number:
            return True
        after = self.at(batch.number + 1)
        return after is not None and after.previous == batch.folder

    def _folder(self, number: int) -> str | None:
        location = self.pointers.location(partition_value(number))
        if location is None:
            return None
        folder = location.removeprefix(self.lake.url(batch_path("")))
        if "/" in folder:
            raise ForeignBatch(
                f"batch {number} points to {location}, which is not a batch folder in"
                f" {self.lake.root}; the partition was not changed"
                " (docs/howto/fix-clicks.md#batches)"
            )
        return folder
