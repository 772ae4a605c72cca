"""A running streaming query, as its checkpoint and Spark describe it."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from cab_assets.clickstream.batch import Range
from cab_assets.clients.click_topic import Offsets
from cab_assets.clients.deadline import within
from cab_assets.clients.failures import failure
from cab_assets.clients.lake import Lake
from cab_assets.errors import Unavailable
from cab_assets.schemas import CLICKSTREAM_BATCHES

CHECKPOINTS = f"{CLICKSTREAM_BATCHES.name}/_checkpoints"
ANSWER_TIMEOUT_SECONDS = 10
# Age limit of a query: its run stops it then and starts another; if the run was killed, the query
# ends itself a minute later
QUERY_SECONDS = 900


class StagingFailed(Unavailable):
    """The streaming query ended or does not answer."""


@dataclass
class Query:
    """A running query: the batches it has staged, in their order."""

    lake: Lake
    name: str  # folders are `<name>-<n>`
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
        """Raise an error with Spark's own reason if the query has ended.

        Raises StagingFailed if no known failure explains it.
        """
        try:
            ended = within(ANSWER_TIMEOUT_SECONDS, self._ended)
        except TimeoutError as timeout:
            raise StagingFailed(
                f"Spark does not say what the streaming query does ({timeout}); see `cab doctor`,"
                " then run again"
            ) from timeout
        if ended:
            raise failure("the streaming query ended", ended, StagingFailed)

    def _ended(self) -> str | None:
        """Return what ended the query, or None while it is active."""
        return None if self.handle.isActive else str(self.handle.exception() or "without an error")

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.born > QUERY_SECONDS

    @property
    def _checkpoint(self) -> str:
        return f"{CHECKPOINTS}/{self.name}"

    def _offsets(self, number: int) -> Offsets:
        """Return the end offsets of micro-batch `number`, from Spark's offset log.

        The log holds a version, metadata, then one line for the topic.
        """
        (ends,) = json.loads(
            self.lake.read(f"{self._checkpoint}/offsets/{number}").decode().splitlines()[2]
        ).values()
        return {int(partition): int(end) for partition, end in ends.items()}
