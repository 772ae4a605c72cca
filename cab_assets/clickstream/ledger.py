"""The commits: numbered partitions of `clickstream_batches`, each added once, by the first writer.

Adding partition n+1 commits a batch; of several writers, one succeeds. Whatever the answer (an
error, "already exists" or a time-out), the partition's location says which batch has the number.
"""

import time
from dataclasses import dataclass

from cab_assets.clickstream.batch import Batch, batch_path, partition_value, read_batch, write_batch
from cab_assets.clickstream.chain import chain
from cab_assets.clickstream.errors import CommitUnsettled, ForeignBatch
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
from cab_assets.schemas import CLICKSTREAM_BATCHES
from cab_assets.store.declare import declare_table
from cab_assets.store.pointers import Pointers

# How long a number is tried for; the next run continues from the outcome
CLAIM_SECONDS = 30
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Ledger:
    """The committed batches, as the metastore names them and their manifests describe them."""

    lake: Lake
    hive: Hive

    @property
    def pointers(self) -> Pointers:
        return Pointers(self.hive, CLICKSTREAM_BATCHES)

    def create(self) -> None:
        """Create the table and its two views, and restore batches that the metastore has lost."""
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
        """Return the newest committed batch, which is the whole state.

        A batch that the metastore has forgotten is found in the lake. `hint` is a number that was
        the newest; if it still is, one look is enough.
        """
        # Before the metastore is asked, which is then never behind it
        mark = newest_mark(self.lake)
        newest = self._newest(hint)
        if mark is None or (newest and newest.number >= mark.number):
            return newest
        return self._marked(mark)

    def _newest(self, hint: int | None = None) -> Batch | None:
        known = self.at(hint) if hint else None
        if known and self.at(known.number + 1) is None:
            return known
        newest_first = map(self.at, sorted(self.numbers(), reverse=True))
        return next((batch for batch in newest_first if batch), None)

    def at(self, number: int) -> Batch | None:
        """Return the batch committed under `number`, or None.

        A partition whose manifest has another number, left by a delayed statement, counts as none.
        """
        folder = self._folder(number)
        batch = read_batch(self.lake, folder) if folder else None
        if folder and batch is None:
            raise ForeignBatch(
                f"batch {number} points at {folder}, whose manifest is missing or damaged; restore"
                " the file, or see docs/operations.md#batches"
            )
        return batch if batch and batch.number == number else None

    def shown(self, newest: Batch | None) -> list[Batch]:
        """Return the batches up to `newest` that are not retired, oldest first.

        Those that the metastore has forgotten are shown again.

        Each names the one before, so the metastore is asked once. A number below them is no batch:
        a writer that slept past retention was killed before it could take it back.
        """
        numbers = self.numbers()
        found = chain(self.lake, newest, numbers)
        self._show([batch for batch in found if batch.number not in numbers])
        if found and found[-1].number - 1 in numbers:
            raise ForeignBatch(
                f"the batch before {found[-1].number} has no manifest; restore"
                f" {found[-1].previous}, or see docs/operations.md#batches"
            )
        return found[::-1]

    def commit(self, staged: Batch, newest: Batch | None) -> Batch | None:
        """Commit a staged batch after `newest`.

        None if its offsets were committed by somebody else meanwhile.
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
            before = self.at(batch.number)
            if before is None:  # retired since: far more was committed than this writer knows of
                return None
        return None

    def numbers(self) -> set[int]:
        """Return the numbers that `clickstream_batches` shows."""
        return {int(value) for value in self.pointers.values()}

    def retire(self, numbers: list[int]) -> None:
        """Drop batches from the metastore, oldest first.

        A writer that was suspended for long then finds the batch before its own gone.
        """
        mark_retired(self.lake, max(numbers))
        self.pointers.drop([partition_value(number) for number in sorted(numbers)])

    def _marked(self, mark: Newest) -> Batch:
        """Return the batch that is marked as the newest and that the metastore does not show."""
        if batch := read_batch(self.lake, mark.folder):
            return batch
        raise ForeignBatch(
            f"batch {mark.number} was committed as {mark.folder}, {CLICKSTREAM_BATCHES.name} no"
            " longer shows it, and its manifest is missing or damaged; restore the file, or see"
            " docs/operations.md#batches"
        )

    def _show(self, batches: list[Batch]) -> None:
        self.pointers.add({each.value: self.lake.url(batch_path(each.folder)) for each in batches})

    def _claim(self, batch: Batch) -> str:
        """Return the folder that has the batch's number in the end: its own or another's."""
        deadline = time.monotonic() + CLAIM_SECONDS
        while True:
            try:
                self.pointers.claim(batch.value, self.lake.url(batch_path(batch.folder)))
                return batch.folder
            except CabError as error:
                refused = error
            try:
                if folder := self._folder(batch.number):
                    return folder
            except (Unavailable, Refused) as error:  # a server can stumble over its own race
                refused = error
            if time.monotonic() > deadline:
                raise CommitUnsettled(
                    f"batch {batch.number} may or may not be committed: {refused}. Run again: the"
                    " next run finds out"
                ) from refused
            time.sleep(RETRY_SECONDS)

    def _is_next(self, batch: Batch) -> bool:
        """Return whether the number was never another batch's.

        A writer that was suspended past retention finds its number free again. Batches are retired
        oldest first and the newest stays, so a number that was another's has lost the one before it
        and has one above it that does not follow this batch. The one before alone proves nothing:
        it may be retired as soon as this batch is the newest.
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
                f"batch {number} points at {location}, which is no batch in {self.lake.root}; it"
                " was left as it is"
            )
        return folder
