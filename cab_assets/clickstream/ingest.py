"""One ingest run: stage, validate and commit batches from the committed offsets on."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cab_assets.clickstream.audit import read_back
from cab_assets.clickstream.batch import Batch, Range, TopicEnd, committed_ends
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.offsets import lag, raise_if_another_topic, raise_if_lost, starting
from cab_assets.clickstream.query import Query, StagingFailed
from cab_assets.clients.click_topic import ClickTopic, Offsets, TopicState
from cab_assets.clients.kafka_client import KafkaUnavailable

POLL_SECONDS = 0.05  # between two checks for a staged batch, which takes half a second or more
LOOK_SECONDS = 1.0  # between two checks of topic and query while nothing is staged
# If no batch comes for so long, check whether the offsets still exist: Spark would retry for
# minutes without an error
STUCK_SECONDS = 20
# Seconds before an active run asks a silent broker again; its query survives that
PAUSES: tuple[float, ...] = (1, 3)
QUIET_SECONDS = 15  # a run ends if no record comes for so long; a start costs half of that

# Where to start, what to call it
OpenQuery = Callable[[Offsets, str], AbstractContextManager[Query]]


@dataclass(frozen=True)
class CommitResult:
    """A batch that was committed just now, and what it was like around it."""

    batch: Batch
    lag_before: int  # offsets that were waiting
    lag_after: int
    seconds: float  # since the one before it, or since the query was asked for


@dataclass
class Stay:
    """Decide when a run leaves.

    It leaves at the end offsets of its start, or after some minutes while records keep coming.
    """

    targets: Offsets
    minutes: float | None  # None: at the targets
    _born: float = field(default_factory=time.monotonic)
    _busy: float = float("-inf")  # when records were last waiting

    def is_over(self, ends: Offsets, topic_ends: Offsets, *, committed_any: bool) -> bool:
        if self.minutes is None:
            return all(ends.get(each, 0) >= target for each, target in self.targets.items())
        now = time.monotonic()
        if lag(ends, topic_ends) > 0:
            self._busy = now
        return (
            committed_any and now - self._born > self.minutes * 60
        ) or now - self._busy > QUIET_SECONDS


@dataclass
class Ingest:
    """One run over one topic."""

    ledger: Ledger
    topic: ClickTopic
    run_id: str
    open_query: OpenQuery
    minutes: float | None
    say: Callable[[str], None]
    commits: int = 0
    # Whether an open transaction held records back when the topic was last looked at
    held: bool = False

    def run(self) -> Iterator[CommitResult]:
        """Commit batches, and give each as soon as it is visible."""
        self.ledger.create()
        state, newest = self._seen(), self.ledger.newest()
        stay, queries = Stay(state.ends, self.minutes), 0
        while not stay.is_over(
            start := starting(newest, self.topic.name, state),
            state.ends,
            committed_any=self.commits > 0,
        ):
            self.say(
                f"{self.topic.name}: {lag(start, state.ends):,} offsets are waiting; reading from"
                f" {start}"
            )
            asked = time.monotonic()
            with self.open_query(start, f"{self.run_id}-{queries}") as query:
                yield from self._commit_all(query, state, newest, stay, asked)
            queries += 1
            state, newest = self._seen(), self.ledger.newest(newest.number if newest else None)

    def _commit_all(
        self, query: Query, state: TopicState, newest: Batch | None, stay: Stay, since: float
    ) -> Iterator[CommitResult]:
        """Commit what the query stages, until the run leaves or another run was first.

        A query that has reached its age limit is replaced.
        """
        ends, looked = query.start, since
        while not query.is_old and not stay.is_over(
            ends, state.ends, committed_any=self.commits > 0
        ):
            if staged := query.staged():
                state = self._look(state, newest)
                batch = self.ledger.commit(self._audited(*staged, state), newest)
                if batch is None:
                    ranges = ", ".join(map(str, staged[1]))
                    self.say(f"{self.topic.name}: another run was first with {ranges}")
                    return
                self.commits += 1
                now = time.monotonic()
                yield CommitResult(
                    batch, lag(ends, state.ends), lag(batch.ends, state.ends), round(now - since, 3)
                )
                newest, ends, since = batch, batch.ends, now
            elif time.monotonic() - looked > LOOK_SECONDS:
                state, looked = self._look(state, newest), time.monotonic()
                self._check(query, ends, state, stuck=looked - since > STUCK_SECONDS)
            else:
                time.sleep(POLL_SECONDS)

    def _check(self, query: Query, ends: Offsets, state: TopicState, *, stuck: bool) -> None:
        """Raise if the query has ended, or if what it waits for is gone from the topic."""
        try:
            query.check()
        except StagingFailed:
            raise_if_lost(self.topic.name, ends, state)  # which is why, then
            raise
        if stuck:
            raise_if_lost(self.topic.name, ends, state)

    def _seen(self) -> TopicState:
        state = self.topic.look()
        self.held = bool(state.held)
        return state

    def _seen_patiently(self) -> TopicState:
        """Read the topic's offsets, and again after each of PAUSES while no broker answers."""
        for pause in PAUSES:
            try:
                return self._seen()
            except KafkaUnavailable as error:
                self.say(f"{error}. Asking again in {pause:g} s")
                time.sleep(pause)
        return self._seen()

    def _look(self, before: TopicState, newest: Batch | None) -> TopicState:
        """Return the topic as it is now, if it is still the one that the run started with."""
        state = self._seen_patiently()
        raise_if_another_topic(
            self.topic.name,
            TopicEnd(id=before.id, ends=committed_ends(newest, self.topic.name)),
            state,
        )
        return state

    def _audited(self, folder: str, ranges: tuple[Range, ...], state: TopicState) -> Batch:
        return Batch(
            number=0,  # the commit gives it one
            folder=folder,
            previous=None,
            topic=self.topic.name,
            ranges=ranges,
            contents=read_back(
                self.ledger.lake, folder, self.topic.name, ranges, self.topic.first_delivered
            ),
            topics={self.topic.name: TopicEnd(id=state.id, ends={})},
            run_id=self.run_id,
            written=datetime.now(UTC),
        )
