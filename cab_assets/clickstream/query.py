"""A running streaming query: its staged batches and its state, from its checkpoint and Spark."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from cab_assets.clickstream.batch import Range
from cab_assets.clients.deadline import within
from cab_assets.clients.failures import failure
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets
from cab_assets.errors import Unavailable
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

CHECKPOINTS = f"{CLICKSTREAM_BATCHES.name}/_checkpoints"
# Time-out of a request to Spark for the state of the query
ANSWER_TIMEOUT_SECONDS = 10
# Age limit of a query in seconds. The run then stops the query and starts another one; if the run
# was killed, the query ends itself a minute later
QUERY_SECONDS = 900


class StagingFailed(Unavailable):
    """The streaming query ended, does not answer or stages nothing."""


@dataclass
class Query:
    """A running query, and the batches that it has staged, in order."""

    lake: Lake
    # The folders of the batches are `<name>-<n>`
    name: str
    start: Offsets
    handle: Any
    _next: int = 0
    born: float = field(default_factory=time.monotonic)

    def staged(self) -> tuple[str, tuple[Range, ...]] | None:
        """Return the next micro-batch that Spark has finished, as folder and ranges, or None."""
        if not self.lake.info(f"{self._checkpoint}/commits/{self._next}").is_file:
            return None
        ends = self._offsets(self._next)
        starts = self._offsets(self._next - 1) if self._next else self.start
        folder = f"{self.name}-{self._next}"
        self._next += 1
        return folder, tuple(
            Range(partition=each, start=starts.get(each, 0), end=end)
            for each, end in sorted(ends.items())
        )

    def check(self) -> None:
        """Raise an error with Spark's reason if the query has ended.

        It is StagingFailed unless the reason is a known failure.
        """
        try:
            ended = within(ANSWER_TIMEOUT_SECONDS, self._ended)
        except TimeoutError as timeout:
            raise StagingFailed(
                f"Spark does not return the state of the streaming query ({timeout}); run"
                " `cab doctor`, then run again"
            ) from timeout
        if ended:
            raise failure("the streaming query ended", ended, StagingFailed)

    def raise_if_idle(self, waiting: int) -> None:
        """Raise an error if the query is old and has staged nothing although records wait.

        Spark reports no error then: the query is active, and its tasks get no turn.
        """
        if self.is_old and self._next == 0 and waiting > 0:
            raise StagingFailed(
                f"Spark staged no batch within {QUERY_SECONDS // 60} minutes although records wait:"
                " it is busy or has no free executors. Stop other applications, add executors or"
                " lower CAB_MAX_OFFSETS_PER_BATCH, then run again"
            )

    def _ended(self) -> str | None:
        """Return the reason why the query ended, or None while it is active."""
        return None if self.handle.isActive else str(self.handle.exception() or "without an error")

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.born > QUERY_SECONDS

    @property
    def _checkpoint(self) -> str:
        return f"{CHECKPOINTS}/{self.name}"

    def _offsets(self, number: int) -> Offsets:
        """Return the end offsets of micro-batch `number`, from Spark's offset log.

        The log has three lines: a version, metadata, and the offsets of the topic.
        """
        (ends,) = json.loads(
            self.lake.read(f"{self._checkpoint}/offsets/{number}").decode().splitlines()[2]
        ).values()
        return {int(partition): int(end) for partition, end in ends.items()}
