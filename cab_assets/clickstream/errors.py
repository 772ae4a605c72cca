"""What can be wrong with the commits."""

from cab_assets.errors import CabError, Unavailable


class CommitUnsettled(Unavailable):
    """Whether a batch is committed could not be learned in time."""


class ForeignBatch(CabError):
    """A partition of `clickstream_batches` points to a folder without a valid manifest."""
