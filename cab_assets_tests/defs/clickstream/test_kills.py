"""A run killed with -9 at a named moment: the next one finds everything in order, and no reader
notices.
"""

import pytest

from cab_assets.tables.clicks import CLICKS
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.faults import (
    COMMIT,
    FOLDING,
    PUBLISH,
    QUERY_STARTED,
    RETIRE,
    STAGING,
    gate,
    kill_at_file,
    kill_at_statement,
)
from cab_assets_tests.reader import is_folded, reading

pytestmark = pytest.mark.faults
FOLD = "clickstream_fold"


def kill_and_cut(
    clicks: Clicks, words: bytes, job: str = "clickstream_ingest", *, carried_out: bool = False
) -> None:
    """Kill a run that waits for the answer to a statement.

    One that was not carried out by then never is.
    """
    with gate(clicks, words, carried_out=carried_out) as held:
        kill_at_statement(clicks, held, job, CAB_BATCH_RETENTION_HOURS="0")


def send(clicks: Clicks, first: int) -> None:
    clicks.send([*numbered(range(first, first + 95)), *[b"no JSON"] * 5])


def numbers(clicks: Clicks) -> list[int]:
    return [batch.number for batch in clicks.batches()]


def folded_days(clicks: Clicks) -> set[str]:
    return clicks.pipeline.store(CLICKS).pointers.values()


def test_a_run_killed_at_any_moment_is_made_up_for_by_the_next(clicks: Clicks) -> None:
    clicks.create()
    clicks.ledger.create()
    for first, pattern in enumerate([QUERY_STARTED, STAGING]):
        send(clicks, 1000 * first)
        kill_at_file(clicks, pattern)
        assert numbers(clicks) == []
    kill_and_cut(clicks, COMMIT)
    assert numbers(clicks) == []
    kill_and_cut(clicks, COMMIT, carried_out=True)
    assert numbers(clicks) == [1]
    clicks.is_whole()
    send(clicks, 2000)
    assert clicks.ingest().success
    assert numbers(clicks) == [1, 2]
    clicks.is_whole()


@pytest.fixture
def committed(clicks: Clicks) -> Clicks:
    clicks.create()
    for first in (0, 1000, 2000):
        send(clicks, first)
        assert clicks.ingest().success
    return clicks


@pytest.mark.soak
def test_a_fold_killed_at_any_moment_is_made_up_for_by_the_next(committed: Clicks) -> None:
    with reading(committed):
        kill_at_file(committed, FOLDING, FOLD)
        kill_and_cut(committed, PUBLISH, FOLD)
        assert numbers(committed) == [1, 2, 3]
        assert folded_days(committed) == set()
        kill_and_cut(committed, RETIRE, FOLD)
        assert numbers(committed) == [1, 2, 3]
        assert folded_days(committed) == {"2020-03-14"}
        kill_and_cut(committed, RETIRE, FOLD, carried_out=True)
    assert numbers(committed) == [3]
    is_folded(committed)
