"""The report of `cab lag`: end offsets of the topic, committed offsets and lost offsets."""

from dataclasses import asdict, dataclass
from typing import Any

from cab_assets.clickstream.batch import Batch, Range
from cab_assets.clickstream.offsets import gaps, lag, start_offsets
from cab_assets.clients.topic_state import Held, Offsets, TopicState

OTHERS = "docs/howto/fix-clicks.md#records-wait-in-a-topic-that-was-read-before"


@dataclass(frozen=True)
class LagReport:
    """The offsets of a topic, the newest batch, and records behind open transactions."""

    topic: str
    state: TopicState
    newest: Batch | None
    held: list[Held]
    # Why ingestion cannot continue, if the committed offsets belong to another topic
    stopped: str | None
    # The topics that were read before and have uncommitted records
    others: tuple["LagReport", ...] = ()
    # Why it is not known whether records wait in others
    unknown: str | None = None

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

    @property
    def lost(self) -> list[Range]:
        return [] if self.stopped else gaps(self.newest, self.topic, self.state)

    @property
    def lag(self) -> int:
        return lag(self.committed, self.state.ends)

    @property
    def figures(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "lag": self.lag,
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
            "other_topics": [{"topic": each.topic, "lag": each.lag} for each in self.others],
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
                f"{self.topic}: {self.lag:,} records are waiting; {newest}",
                *stopped,
                *lost,
                *map(str, self.held),
                *(each._as_other for each in self.others),
                *([self.unknown] if self.unknown else []),
            ]
        )

    @property
    def _as_other(self) -> str:
        """The line of a topic that was read before."""
        waiting = f"{self.topic}: {self.lag:,} records of this topic, which was read before, are"
        lost = (f"lost unread: {gap}" for gap in self.lost)
        return "; ".join([f"{waiting} waiting: see {OTHERS}", *lost, *map(str, self.held)])
