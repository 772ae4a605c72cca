"""How a run ends while records wait in the topic."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cab_assets.clickstream import ingest
from cab_assets.clickstream.batch import Batch, BatchContents, Range
from cab_assets.clickstream.ingest import Ingest
from cab_assets.clickstream.query import Query, StagingFailed
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.topic_state import Offsets, TopicState


@dataclass(frozen=True)
class Topic(ClickTopic):
    """A topic whose one partition has the records below `high`, and delivers those below `end`."""

    end: int = 0
    high: int = 0

    def look(self) -> TopicState:
        return TopicState("one", {0: 0}, {0: self.end}, highs={0: max(self.end, self.high)})


@dataclass
class Batches:
    """A ledger that accepts every batch."""

    lake: Any = None
    last: Batch | None = None

    def create(self) -> None:
        pass

    def newest(self, _: int | None = None) -> Batch | None:
        return self.last

    def commit(self, staged: Batch, before: Batch | None) -> Batch:
        self.last = staged.following(before)
        return self.last


@dataclass
class Stages(Query):
    """A query that stages one batch for each of `sizes`, and none after these."""

    sizes: list[int] = field(default_factory=list)

    def staged(self) -> tuple[str, tuple[Range, ...]] | None:
        if not self.sizes:
            return None
        start, size = self.start[0], self.sizes.pop(0)
        self.start, self._next = {0: start + size}, self._next + 1
        return f"run-{start}", (Range(partition=0, start=start, end=start + size),)

    def check(self) -> None:
        pass


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of a run: a pause passes, and at least a minute with it."""
    now = [1000.0]

    def pause(seconds: float) -> None:
        now[0] += seconds + 60

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", pause)
    monkeypatch.setattr(ingest, "read_back", lambda *_: BatchContents())


def run(topic: Topic, *sizes: int, minutes: float | None = None) -> Ingest:
    """A run after its end, whose queries stage batches of these sizes."""
    left = list(sizes)

    @contextmanager
    def query(start: Offsets, name: str) -> Iterator[Query]:
        yield Stages(cast(Any, None), name, start, None, sizes=left)

    done = Ingest(cast(Any, Batches()), topic, "run", query, minutes, lambda _: None)
    for _ in done.run():
        pass
    return done


def test_a_run_has_caught_up_when_what_waited_at_its_start_is_committed() -> None:
    assert run(Topic("kafka:9092", "clicks")).caught_up
    assert run(Topic("kafka:9092", "clicks", end=9), 5, 4).caught_up
    assert run(Topic("kafka:9092", "clicks", end=9), 5, 4, minutes=10).caught_up


def test_a_run_that_leaves_by_its_minutes_while_a_backlog_waits_has_not_caught_up() -> None:
    assert not run(Topic("kafka:9092", "clicks", end=9), 5, minutes=10).caught_up


def test_a_run_that_leaves_records_behind_an_open_transaction_has_not_caught_up() -> None:
    assert not run(Topic("kafka:9092", "clicks", end=9, high=12), 9).caught_up


def test_a_query_that_stages_nothing_up_to_its_age_limit_though_records_wait_is_an_error() -> None:
    with pytest.raises(StagingFailed, match=r"no batch within 15 minutes.* no free executors"):
        run(Topic("kafka:9092", "clicks", end=9))
    with pytest.raises(StagingFailed, match="no batch within 15 minutes"):
        run(Topic("kafka:9092", "clicks", end=9), 5)
