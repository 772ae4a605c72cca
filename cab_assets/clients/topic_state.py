"""The offsets of a topic at one moment, and the records that wait behind open transactions."""

from dataclasses import dataclass, field
from datetime import datetime

# Partition -> offset
Offsets = dict[int, int]


@dataclass(frozen=True)
class TopicState:
    """The topic's id and offsets at one moment."""

    id: str
    # Offset of the oldest record that Kafka still has
    begins: Offsets
    # One past the newest record that Kafka delivers; later records wait behind an open transaction
    ends: Offsets
    # One past the newest record
    highs: Offsets = field(default_factory=dict)

    @property
    def held(self) -> Offsets:
        """Return partition -> number of offsets behind an open transaction, if there are any."""
        behind = {
            partition: high - self.ends.get(partition, 0) for partition, high in self.highs.items()
        }
        return {partition: offsets for partition, offsets in behind.items() if offsets > 0}


@dataclass(frozen=True)
class Held:
    """Records of a partition that wait behind an open transaction.

    `offset` is that of the transaction's first record; `since` is when that record was sent, or
    None if it could not be read.
    """

    partition: int
    offset: int
    records: int
    since: datetime | None

    def __str__(self) -> str:
        since = (
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC"
            if self.since
            else "since an unknown time (its first record could not be read)"
        )
        return (
            f"partition {self.partition}: {self.records:,} records wait behind an open transaction"
            f" at offset {self.offset}, {since}"
        )
