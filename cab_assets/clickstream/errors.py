"""The errors of commits and replays."""

from cab_assets.clickstream.batch import batch_path
from cab_assets.errors import CabError, Unavailable
from cab_assets.store.manifest import MANIFEST
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES


class CommitUnsettled(Unavailable):
    """It could not be found out in time whether a batch is committed."""


class ForeignBatch(CabError):
    """A partition of `clickstream_batches` is no batch, or its folder has no valid manifest."""


class OthersWereFirst(CabError):
    """Another replay committed the same records, several times in a row."""


class RejectsHidden(CabError):
    """Hive shows no day of `rejects`, although the lake has some."""

    def __init__(self) -> None:
        super().__init__(
            "Hive has no partition of `rejects`, but the lake has its days: the table or its"
            " partitions were dropped. Publish them again with a sweep"
            " (docs/howto/fix-clicks.md#days-that-hive-lost), then run this command again"
        )


class VersionsChange(Unavailable):
    """The versions were deleted while they were read, several times in a row."""


def missing_manifest(batch: str, folder: str | None) -> ForeignBatch:
    """Return the error for a committed batch whose manifest is missing or unreadable."""
    return ForeignBatch(
        f"the manifest of {batch} is missing or unreadable. All ingest runs stop until it is"
        f" restored: copy {batch_path(folder or '')}/{MANIFEST} from a backup of the lake. Do not"
        " drop the partition unless the batch is merged into the daily tables"
        " (docs/howto/fix-clicks.md#batches)"
    )


def no_batch(value: str, drop_statement: str) -> ForeignBatch:
    """Return the error for a partition whose value is not a batch number."""
    return ForeignBatch(
        f"{CLICKSTREAM_BATCHES.name} has a partition {value!r}, which is not a batch; readers would"
        f" take its rows for clicks. Drop it (its files stay): {drop_statement}"
    )
