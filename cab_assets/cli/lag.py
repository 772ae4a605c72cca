"""The report of `cab lag`: end offsets of the topic, committed offsets and lost offsets."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from cab_assets.clickstream.batch import Batch, Range
from cab_assets.clickstream.offsets import gaps, lag, other_topic, start_offsets
from cab_assets.clients.click_topic import Held, Offsets, TopicState


@dataclass(frozen=True)
class LagReport:
    """The offsets of the topic, the newest batch, and records behind open transactions."""

    topic: str
    state: TopicState
    newest: Batch | None
    held: list[Held]

    @property
    def committed(self) -> Offsets:
        """Return the committed offset of each partition.

        If the topic was created again, nothing of the new topic is committed.
        """
        return (
            dict(self.state.begins)
            if self.stopped
            else start_offsets(self.newest, self.topic, self.state)
        )

    @cached_property
    def stopped(self) -> str | None:
        """Return why ingestion cannot continue, if the offsets belong to a deleted topic."""
        return other_topic(self.newest, self.topic, self.state)

    @property
    def lost(self) -> list[Range]:
        return [] if self.stopped else gaps(self.newest, self.topic, self.state)

    @property
    def figures(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "lag": lag(self.committed, self.state.ends),
            "newest_batch": self.newest.number if self.newest else None,
            "partitions": [
                {
                    "partition": each,
                    "committed": start,
                    "end": self.state.ends[each],
                    "lag": self.state.ends[each] - start,
                }
                for each, start in self.committed.items()
            ],
            "lost": [
                {"partition": gap.partition, "start": gap.start, "end": gap.end}
                for gap in self.lost
            ],
            "stopped": self.stopped,
            "held": [
                asdict(each) | {"since": each.since and each.since.isoformat()}
                for each in self.held
            ],
        }

    @property
    def table(self) -> str:
        lines = [f"{'PARTITION':>9}  {'COMMITTED':>12}  {'END':>12}  {'LAG':>12}"]
        lines += [
            f"{each['partition']:>9}  {each['committed']:>12,}  {each['end']:>12,} "
            f" {each['lag']:>12,}"
            for each in self.figures["partitions"]
        ]
        newest = (
            f"newest batch {self.newest.number}, {self.newest.written:%Y-%m-%d %H:%M:%S} UTC"
            if self.newest
            else "nothing was ever committed"
        )
        lost = [f"lost unread: {gap}; run `cab accept-gap`" for gap in self.lost]
        stopped = [self.stopped] if self.stopped else []
        return "\n".join(
            [
                *lines,
                f"{self.topic}: {self.figures['lag']:,} records are waiting; {newest}",
                *stopped,
                *lost,
                *map(str, self.held),
            ]
        )
