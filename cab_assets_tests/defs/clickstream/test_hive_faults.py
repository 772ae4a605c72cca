"""HiveServer2 that dies, or whose answer to a commit is lost: the number is committed once all the
same.
"""

import pytest

from cab_assets.clients.deadline import started
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.faults import (
    COMMIT,
    STAGING,
    await_back,
    await_more,
    gate,
    kill,
    kill_at_statement,
    pid_of,
    stopped,
    through,
)
from cab_assets_tests.patience import patience
from cab_assets_tests.relay import Gate

pytestmark = pytest.mark.faults


def numbers(clicks: Clicks) -> list[int]:
    return [batch.number for batch in clicks.batches()]


def hang_up_at_commit(held: Gate) -> None:
    assert held.reached.wait(patience(60))
    held.hang_up()


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_commit_whose_answer_is_lost_is_made_once_also_when_the_statement_lands_later(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with gate(clicks, COMMIT, carried_out=carried_out) as held:
        monkeypatch.setenv("CAB_HIVE_URL", through(clicks, held))
        cut = started(lambda: hang_up_at_commit(held))
        assert clicks.ingest().success
        cut.result(0)
        clicks.is_whole()
        held.open()
    assert numbers(clicks) == [1]
    clicks.is_whole()


@pytest.mark.parametrize("lands_first", [True, False])
def test_the_commit_of_a_killed_run_may_land_before_the_next_run_or_after_it(
    clicks: Clicks, lands_first: bool
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with gate(clicks, COMMIT) as held:
        kill_at_statement(clicks, held)
        if lands_first:
            held.open()
            assert numbers(clicks) == [1]
        assert clicks.ingest().success
        if not lands_first:
            held.open()
    assert numbers(clicks) == [1]
    clicks.is_whole()


@pytest.mark.faults
@pytest.mark.cold
def test_a_warehouse_killed_in_the_middle_of_a_batch_fails_the_run_in_time_and_the_next_one_goes_on(
    clicks: Clicks,
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with clicks.start() as run:
        await_more(clicks.pipeline, STAGING, run)
        kill(clicks.pipeline, "warehouse")
        said = run.communicate(timeout=patience(60))[0]
    assert run.returncode == 1
    assert "StagingFailed" in said or "SparkFailed" in said or "HiveUnavailable" in said, said
    await_back(clicks.pipeline, "warehouse")
    clicks.pipeline.hive.close()
    ended = clicks.execute()
    assert ended.returncode == 0, ended.stderr
    clicks.is_whole()
    assert numbers(clicks) == [1]


@pytest.mark.faults
@pytest.mark.parametrize("statement", [b"SHOW PARTITIONS", COMMIT])
def test_a_warehouse_that_is_silent_fails_the_run_within_a_minute(
    clicks: Clicks, statement: bytes
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with gate(clicks, statement) as held, clicks.start(CAB_HIVE_URL=through(clicks, held)) as run:
        assert held.reached.wait(patience(60))
        with stopped(pid_of(clicks.pipeline, "warehouse")):
            held.opened.set()
            said = run.communicate(timeout=patience(60))[0]
    assert run.returncode == 1
    assert "CommitUnsettled" in said or "HiveUnavailable" in said, said
    assert clicks.ingest().success
    clicks.is_whole()
