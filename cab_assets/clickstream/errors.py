"""The errors of commits."""

from cab_assets.clickstream.batch import batch_path
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.manifest import MANIFEST


class CommitUnsettled(Unavailable):
    """It could not be found out in time whether a batch is committed."""


class ForeignBatch(CabError):
    """A partition of `clickstream_batches` points to a folder without a valid manifest."""


def missing_manifest(batch: str, folder: str | None) -> ForeignBatch:
    """Return the error for a committed batch whose manifest is missing or unreadable."""
    return ForeignBatch(
        f"the manifest of {batch} is missing or unreadable. All ingest runs stop until it is"
        f" restored: copy {batch_path(folder or '')}/{MANIFEST} from a backup of the lake. Do not"
        " drop the partition unless the batch is merged into the daily tables"
        " (docs/howto/fix-clicks.md#batches)"
    )
