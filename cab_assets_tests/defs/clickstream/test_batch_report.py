"""Which checks a run evaluates about its batches."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from cab_assets.clickstream.batch import Batch, BatchContents, TopicEnd, batch_path, write_batch
from cab_assets.clickstream.ingest import CommitResult
from cab_assets.clients.lake import Lake
from cab_assets.defs.clickstream.report import BatchReport


@dataclass
class Story:
    """Committed batches of a lake, and what runs log about them."""

    lake: Lake
    newest: Batch | None = None
    events: list[Any] = field(default_factory=list)

    def run(self) -> BatchReport:
        context = SimpleNamespace(log=logging.getLogger(), log_event=self.events.append)
        return BatchReport(cast(Any, context), self.lake, max_reject_ratio=0.2)

    def commit(self, accepted: int, rejected: int, **given: Any) -> Batch:
        staged = Batch(
            number=0,
            folder=f"run-{self.newest.number if self.newest else 0}",
            previous=None,
            topic="clicks",
            ranges=(),
            contents=BatchContents(accepted=accepted, rejected=rejected),
            topics={"clicks": TopicEnd(id="one", ends={})},
            run_id="run",
            written=datetime(2020, 1, 1, tzinfo=UTC),
            **given,
        )
        self.newest = staged.following(self.newest)
        self.lake.files.create_dir(batch_path(self.newest.folder))
        write_batch(self.lake, self.newest)
        return self.newest

    def judged(self, run: BatchReport, accepted: int, rejected: int) -> tuple[bool, float] | None:
        """Whether the check passes after one more batch, and its share; None: no result."""
        self.events.clear()
        run.committed(CommitResult(self.commit(accepted, rejected), 0, 0, 0.0))
        for event in self.events:
            if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == "reject_ratio":
                return event.passed, cast(float, event.metadata["rejected_share"].value)
        return None


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(Lake(f"file://{tmp_path}"))


def test_small_batches_are_judged_together_by_their_true_share(story: Story) -> None:
    assert story.judged(story.run(), 0, 99) is None
    assert story.judged(story.run(), 1, 0) == (False, 0.99)
    assert story.judged(story.run(), 99, 0) == (True, 0.0)


def test_one_good_click_makes_no_failed_check_pass(story: Story) -> None:
    run = story.run()
    assert story.judged(run, 100, 26) == (False, 0.2063)
    assert story.judged(run, 1, 0) == (False, 0.2047)
    assert story.judged(story.run(), 1, 0) == (False, 0.2031)
    assert story.judged(run, 80, 20) == (True, 0.2)


def test_a_run_reads_few_manifests_and_knows_the_batches_of_its_own(story: Story) -> None:
    for _ in range(200):
        story.commit(0, 1)
    run = story.run()
    assert story.judged(run, 1, 0) is None
    assert [story.judged(run, 1, 0) for _ in range(78)] == [None] * 78
    assert story.judged(run, 1, 0) == (True, 0.2)


def test_records_that_were_validated_again_and_gaps_are_no_records_of_the_topic(
    story: Story,
) -> None:
    story.commit(0, 99)
    story.commit(1000, 0, kind="replay")
    story.commit(0, 0, kind="gap")
    assert story.judged(story.run(), 1, 0) == (False, 0.99)


def test_what_came_before_a_batch_that_the_lake_has_lost_does_not_count(story: Story) -> None:
    story.commit(0, 99)
    lost = story.commit(1, 0)
    story.lake.files.delete_dir(batch_path(lost.folder))
    assert story.judged(story.run(), 1, 0) is None
