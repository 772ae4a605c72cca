"""The chain of batches that days are made from: each manifest names the batch before it.

It includes retired batches as long as their files are in the lake.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from cab_assets.clickstream.batch import Batch, batch_path, read_batch
from cab_assets.clickstream.marks import retired_mark
from cab_assets.clients.lake import Lake
from cab_assets.errors import CabError
from cab_assets.store.folders import LOOKS_AT_ONCE, differences

REMEDY = (
    "Version {0} contained them and is damaged: restore its files from a copy of the lake and"
    " delete its file _condemned, or restore these batches; then run the day again. To continue"
    " without these records, see docs/howto/fix-clicks.md#a-day-of-clicks-is-damaged"
)
ANOTHER = (
    "{0}: version {1} contains the batches up to {2}, whose folder was {3}, but batch {2} is now in"
    " folder {4}: an older metastore was restored, and batch numbers were used again. Delete the"
    " folder of that version and run the day again: it is made anew from the version before and"
    " the current batches"
)


class AnotherBatch(CabError):
    """The number of the newest batch in a day now belongs to another batch."""


class BatchesGone(CabError):
    """Batches whose records a day needs are no longer in the lake."""


class DamagedBatch(CabError):
    """The folder of a committed batch does not contain the files that its manifest lists."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def chain(lake: Lake, newest: Batch | None, numbers: Collection[int]) -> list[Batch]:
    """Return the batches up to `newest`, newest first.

    They end at the first batch that is retired and whose number is not in `numbers`.
    """
    retired, found, batch = retired_mark(lake), list[Batch](), newest
    while batch and (batch.number in numbers or (retired is not None and batch.number > retired)):
        found.append(batch)
        batch = read_batch(lake, batch.previous) if batch.previous else None
    return found


def back(lake: Lake, batch: Batch) -> Iterator[Batch]:
    """Yield the batches before `batch`, newest first, up to one that the lake has lost."""
    while batch.previous and (found := read_batch(lake, batch.previous)):
        yield found
        batch = found


def before(lake: Lake, batch: Batch, first: int) -> list[Batch]:
    """Return the batches from number `first` up to the one before `batch`, oldest first.

    Raises BatchesGone if the lake lacks one of them.
    """
    found = [batch]
    while found[-1].number > first:
        previous = read_batch(lake, found[-1].previous) if found[-1].previous else None
        if previous is None:
            raise BatchesGone(
                f"batches {first} to {found[-1].number - 1}: the folder {found[-1].previous} has no"
                " manifest"
            )
        found.append(previous)
    return found[:0:-1]


def damaged(lake: Lake, batches: Iterable[Batch]) -> dict[int, DamagedBatch]:
    """Return, by number, an error for each batch whose files are not those of its manifest.

    A surplus or missing file, or one of another size, is a difference. No file is read.
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
    remedy = (
        "restore the file from a copy of the lake" if found.lost else "move it out of that folder"
    )
    return DamagedBatch(
        batch.number,
        f"batch {batch.number} is damaged: {found.first}; {remedy}, then run the day again",
    )


def made_through(version: str) -> int:
    """Return the number of the last batch that a version contains."""
    return int(version.split("-")[0])
