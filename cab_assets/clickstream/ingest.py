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
from cab_assets.clickstream.topics import others_waiting
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.kafka_client import KafkaUnavailable
from cab_assets.clients.topic_state import Offsets, TopicState
from cab_assets.errors import CabError

# Seconds between two checks for a staged batch, which takes half a second or more
POLL_SECONDS = 0.05
# Seconds between two checks of the topic and of the query while no batch is staged
TOPIC_POLL_SECONDS = 1.0
# If no batch is staged for so many seconds, check whether the offsets still exist: Spark would
# retry for minutes without an error
STUCK_SECONDS = 20
# Seconds to wait before each retry when no broker answers. The streaming query survives the wait
PAUSES: tuple[float, ...] = (1, 3)
# Seconds without a new record after which a run ends: twice the time that starting a run takes
QUIET_SECONDS = 15

# (start offsets, name of the query) -> the running query
OpenQuery = Callable[[Offsets, str], AbstractContextManager[Query]]


@dataclass(frozen=True)
class CommitResult:
    """A batch that was just committed, with the lag in offsets before and after it."""

    batch: Batch
    lag_before: int
    lag_after: int
    # Since the commit before, or since the start of the query
    seconds: float


@dataclass
class Stay:
    """The condition for the end of a run.

    If `minutes` is None, the run ends at `targets`, the end offsets at its start. Otherwise it ends
    when no record arrives for a while, at the latest after `minutes`.
    """

    targets: Offsets
    minutes: float | None
    _born: float = field(default_factory=time.monotonic)
    # When uncommitted records were last seen
    _busy: float = float("-inf")

    def is_over(self, ends: Offsets, topic_ends: Offsets, *, committed_any: bool) -> bool:
        if self.minutes is None:
            return self.reached(ends)
        now = time.monotonic()
        if lag(ends, topic_ends) > 0:
            self._busy = now
        return (
            committed_any and now - self._born > self.minutes * 60
        ) or now - self._busy > QUIET_SECONDS

    def reached(self, ends: Offsets) -> bool:
        """Return whether all that was in the topic at the start of the run is committed."""
        return all(ends.get(each, 0) >= target for each, target in self.targets.items())


@dataclass
class Ingest:
    """One ingest run of one topic."""

    ledger: Ledger
    topic: ClickTopic
    run_id: str
    open_query: OpenQuery
    minutes: float | None
    say: Callable[[str], None]
    commits: int = 0
    # Whether, at the end of the run, all records are committed that were in the topic at its start,
    # no open transaction holds records back, and no records wait in topics that were read before
    caught_up: bool = False

    def run(self) -> Iterator[CommitResult]:
        """Commit batches; yield each as soon as it is committed."""
        self.ledger.create()
        # The batch first: another run may commit meanwhile, but the topic never ends before it
        newest, state = self.ledger.newest(), self.topic.look()
        stay, queries = Stay(state.ends, self.minutes), 0
        while not stay.is_over(
            start := starting(newest, self.topic, state),
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
            newest = self.ledger.newest(newest.number if newest else None)
            state = self.topic.look()
        self.caught_up = stay.reached(start) and not state.held and not self._others_wait(newest)

    def _others_wait(self, newest: Batch | None) -> bool:
        """Return whether a topic that was read before has uncommitted records, or may have some."""
        try:
            return any(others_waiting(newest, self.topic))
        except CabError as error:
            self.say(f"not known whether records wait in other topics: {error}")
            return True

    def _commit_all(
        self, query: Query, state: TopicState, newest: Batch | None, stay: Stay, since: float
    ) -> Iterator[CommitResult]:
        """Commit what the query stages, until the run ends or another query must be started.

        The latter is so if another run has committed first, or the query is at its age limit.
        """
        ends, checked = query.start, since
        while not query.is_old and not stay.is_over(
            ends, state.ends, committed_any=self.commits > 0
        ):
            if staged := query.staged():
                state = self._same_topic(state, newest)
                batch = self.ledger.commit(self._audited(*staged, state), newest)
                if batch is None:
                    ranges = ", ".join(map(str, staged[1]))
                    self.say(f"{self.topic.name}: another run has committed {ranges} first")
                    return
                self.commits += 1
                now = time.monotonic()
                yield CommitResult(
                    batch, lag(ends, state.ends), lag(batch.ends, state.ends), round(now - since, 3)
                )
                newest, ends, since = batch, batch.ends, now
            elif time.monotonic() - checked > TOPIC_POLL_SECONDS:
                state, checked = self._same_topic(state, newest), time.monotonic()
                self._check(query, ends, state, stuck=checked - since > STUCK_SECONDS)
            else:
                time.sleep(POLL_SECONDS)
        query.raise_if_idle(lag(ends, state.ends))

    def _check(self, query: Query, ends: Offsets, state: TopicState, *, stuck: bool) -> None:
        """Raise an error if the query has ended, or if Kafka has deleted the offsets it reads."""
        try:
            query.check()
        except StagingFailed:
            # Deleted offsets, if there are any, are the cause
            raise_if_lost(self.topic.name, ends, state)
            raise
        if stuck:
            raise_if_lost(self.topic.name, ends, state)

    def _seen_patiently(self) -> TopicState:
        """Return the topic's offsets; retry after each of PAUSES while no broker answers."""
        for pause in PAUSES:
            try:
                return self.topic.look()
            except KafkaUnavailable as error:
                self.say(f"{error}. Retrying in {pause:g} s")
                time.sleep(pause)
        return self.topic.look()

    def _same_topic(self, before: TopicState, newest: Batch | None) -> TopicState:
        """Return the topic's current offsets. Raise TopicRecreated if it is another topic now."""
        state = self._seen_patiently()
        raise_if_another_topic(
            self.topic,
            TopicEnd(id=before.id, ends=committed_ends(newest, self.topic.name)),
            state,
        )
        return state

    def _audited(self, folder: str, ranges: tuple[Range, ...], state: TopicState) -> Batch:
        return Batch(
            # A placeholder: Ledger.commit assigns the number
            number=0,
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
