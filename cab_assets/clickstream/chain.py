"""The batches that days are made from: the chain that each batch makes by naming the one before it.

Retired batches are in it as long as their files are in the lake.
"""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from cab_assets.clickstream.batch import Batch, batch_path, read_batch
from cab_assets.clickstream.marks import retired_mark
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError
from cab_assets.store.folders import LOOKS_AT_ONCE, differences

CURE = (
    "Version {0} held them and no longer counts: restore its files from a copy of the lake and"
    " delete its _condemned, or restore these batches, then run the day again."
    " docs/operations.md#a-day-of-clicks-is-damaged says how to go on without them"
)
ANOTHER = (
    "{0}: version {1} goes through batch {2} in {3}, but batch {2} is {4} now: the metastore was"
    " put back, and numbers were given out again. Delete the folder of that version and run the day"
    " again: it is made anew from the version before and the batches there are now"
)


class AnotherBatch(CabError):
    """The number of the newest batch in a day belongs to another batch now."""


class BatchesGone(CabError):
    """Batches whose records a day needs are no longer in the lake."""


class DamagedBatch(CabError):
    """The folder of a committed batch does not hold what its manifest lists."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def chain(lake: Lake, newest: Batch | None, numbers: Collection[int]) -> list[Batch]:
    """Return the batches up to `newest`, newest first: those among `numbers` or not retired."""
    retired, found, batch = retired_mark(lake), list[Batch](), newest
    while batch and (batch.number in numbers or (retired is not None and batch.number > retired)):
        found.append(batch)
        batch = read_batch(lake, batch.previous) if batch.previous else None
    return found


def before(lake: Lake, batch: Batch, first: int) -> list[Batch]:
    """Return the batches from number `first` up to the one before `batch`.

    BatchesGone if the lake lacks one of them.
    """
    found = [batch]
    while found[-1].number > first:
        previous = read_batch(lake, found[-1].previous) if found[-1].previous else None
        if previous is None:
            raise BatchesGone(
                f"batches {first} to {found[-1].number - 1}, of which {found[-1].previous} has no"
                " manifest"
            )
        found.append(previous)
    return found[:0:-1]


def damaged(lake: Lake, batches: Iterable[Batch]) -> dict[int, DamagedBatch]:
    """Return, by number, the batches whose folder holds other files than their manifest lists.

    A file too many, too few or of another size counts. No file is read.
    """
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        return {
            error.number: error
            for error in pool.map(lambda batch: _damage(lake, batch), batches)
            if error
        }


def _damage(lake: Lake, batch: Batch) -> DamagedBatch | None:
    found = differences(lake, batch_path(batch.folder), batch.contents.files)
    if not found.first:
        return None
    cure = (
        "restore the file from a copy of the lake" if found.lost else "move it out of that folder"
    )
    return DamagedBatch(
        batch.number,
        f"batch {batch.number} is damaged: {found.first}; {cure}, then run the day again",
    )


def made_through(version: str) -> int:
    """Return the number of the batch that a version goes through."""
    return int(version.split("-")[0])
