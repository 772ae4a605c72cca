"""Runs at once, runs that sleep, queries that outlive their run: a range is committed once, whoever
tries.
"""

import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cab_assets.clickstream.batch_writer import AHEAD, files_writer
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.retire import collect_batches
from cab_assets.clients.deadline import started
from cab_assets.clients.hive import Hive
from cab_assets.store.manifest import MANIFEST
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES
from cab_assets_tests.clicks import Clicks, Place, numbered
from cab_assets_tests.clickstream.test_ledger import commit, staged
from cab_assets_tests.faults import (
    COMMIT,
    COMMITTING,
    await_count,
    await_more,
    count,
    gate,
    killed,
    stopped,
    through,
)
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Row
from cab_assets_tests.reader import is_folded

pytestmark = pytest.mark.faults


def of_topic(clicks: Clicks, topic: str) -> Clicks:
    """The same tables, fed from another topic."""
    env = clicks.pipeline.env.but(clickstream_topic=topic)
    return Clicks(
        replace(
            clicks.pipeline,
            env=env,
            variables={**clicks.pipeline.variables, "CAB_CLICKSTREAM_TOPIC": topic},
        )
    )


def is_whole(*feeds: Clicks) -> None:
    """Every record of the topics is in `clickstream`, once."""
    sent: list[tuple[str, Place]] = [
        (feed.topic, place) for feed in feeds for place in feed.in_topic()
    ]
    rows: list[Row] = feeds[0].query(
        "SELECT topic, kafka_partition, kafka_offset FROM {clickstream}"
    )
    assert sorted((topic, (partition, offset)) for topic, partition, offset in rows) == sorted(sent)


def test_runs_at_once_on_one_and_on_two_topics_commit_each_record_once(
    clicks: Clicks, tmp_path: Path
) -> None:
    taps = of_topic(clicks, f"{clicks.topic}-taps")
    for feed in (clicks, taps):
        feed.create()
        feed.send(numbered(range(1000)))
    at_once = [clicks, clicks, taps]
    # Two processes at once cannot make the tables of one Dagster
    homes = [tempfile.mkdtemp(dir=tmp_path) for _ in at_once]
    runs = [
        feed.start(CAB_MAX_OFFSETS_PER_BATCH="300", DAGSTER_HOME=home)
        for feed, home in zip(at_once, homes, strict=True)
    ]
    for run in runs:
        with run:
            said = run.communicate(timeout=patience(120))[0]
            assert run.returncode == 0, said
    is_whole(clicks, taps)


@pytest.mark.parametrize("past_retention", [False, True])
def test_a_run_stopped_before_its_commit_finds_that_others_went_on(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch, past_retention: bool
) -> None:
    """Past retention its number is free again, so that it commits what others have committed, and
    takes it back.
    """
    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    clicks.create()
    clicks.send(numbered(range(100)))
    with gate(clicks, COMMIT) as held, clicks.start(CAB_HIVE_URL=through(clicks, held)) as sleeper:
        assert held.reached.wait(patience(60))
        with stopped(sleeper.pid):
            for first in (1000, 2000):
                assert clicks.ingest().success
                clicks.send(numbered(range(first, first + 10)))
            assert not past_retention or clicks.fold().success
        held.open()
        said = sleeper.communicate(timeout=patience(60))[0]
    assert sleeper.returncode == 0, said
    assert "another run has committed partition " in said
    assert clicks.ingest().success
    if past_retention:
        assert clicks.fold().success
        is_folded(clicks)
    else:
        clicks.is_whole()


def test_a_commit_stays_though_the_one_before_is_retired_before_its_writer_looks(
    clicks: Clicks,
) -> None:
    ledger = clicks.ledger
    ledger.create()
    before = commit(ledger, "a", 0, 5)
    with (
        gate(clicks, COMMIT, carried_out=True) as held,
        closing(Hive(through(clicks, held))) as hive,
    ):
        made = started(lambda: Ledger(ledger.lake, hive).commit(staged(ledger, "b", 5, 9), before))
        assert held.reached.wait(patience(20))
        ledger.retire([1])
        held.open()
        assert made.result(patience(20)) == ledger.newest()
    assert ledger.numbers() == {2}


def test_what_a_sleeper_left_when_it_was_killed_is_no_batch_and_goes_with_the_next_fold(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    clicks.create()
    for first in (0, 1000, 2000):
        clicks.send(numbered(range(first, first + 10)))
        assert clicks.ingest().success
    slept = clicks.batches()[0]
    assert clicks.fold().success
    clicks.pipeline.store(CLICKSTREAM_BATCHES).pointers.claim(
        slept.value, clicks.pipeline.lake.url(f"clickstream_batches/{slept.folder}")
    )
    assert [batch.number for batch in clicks.batches()] == [3]
    assert clicks.fold().success
    assert clicks.ledger.numbers() == {3}
    is_folded(clicks)


def test_the_orphaned_query_of_a_killed_run_goes_on_for_some_batches_and_nothing_of_them_counts(
    clicks: Clicks,
) -> None:
    pipeline, folders, staged_by_orphan = (
        clicks.pipeline,
        "clickstream_batches/*-0-*",
        "clickstream_batches/_checkpoints/*/commits/*[0-9]",
    )
    clicks.create()
    clicks.send(numbered(range(1200)))
    with killed(clicks, CAB_MAX_OFFSETS_PER_BATCH="100") as run:
        await_more(pipeline, COMMITTING, run)
    taken = count(pipeline, COMMITTING)
    assert clicks.ingest().success
    clicks.is_whole()
    await_count(pipeline, staged_by_orphan, taken + AHEAD)
    assert clicks.ingest().success
    assert count(pipeline, staged_by_orphan) == taken + AHEAD
    list(collect_batches(clicks.ledger, active_runs=(), grace=timedelta(0), now=datetime.now(UTC)))
    assert count(pipeline, folders) == len(clicks.batches())
    clicks.is_whole()


def test_a_query_waits_for_those_who_take_its_batches_and_ends_when_nobody_does(
    clicks: Clicks,
) -> None:
    lake = clicks.pipeline.lake
    write = files_writer(lake.url("staged"), MANIFEST, 60, ahead=1, patience=1)
    with clicks.pipeline.spark.session() as session:
        for number in (0, 1):
            lake.files.create_dir(f"staged-{number - 1}")
            lake.write(f"staged-{number - 1}/{MANIFEST}", b"{}")
            write(session.range(3), number)
        with pytest.raises(RuntimeError, match="no staged batch was committed for 75 s"):
            write(session.range(3), 2)
        assert count(clicks.pipeline, "staged-*/_SUCCESS") == 2
