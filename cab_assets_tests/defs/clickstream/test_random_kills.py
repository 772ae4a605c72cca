"""Runs killed with -9 at moments nobody chose, under a steady feed, with readers that look without
pause.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cab_assets.clients.deadline import started
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.patience import patience
from cab_assets_tests.reader import is_folded, reading

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

KILLS = 24  # 20 of them of a run that commits
RECORDS, PORTION = 30_000, 250
EAGER = {"CAB_BATCH_RETENTION_HOURS": "0", "CAB_MAX_OFFSETS_PER_BATCH": "1000"}


@contextmanager
def feeding(clicks: Clicks) -> Iterator[None]:
    """A steady feed while the block lasts; all that is left of RECORDS is sent at its end."""
    end = threading.Event()

    def feed() -> None:
        for first in range(0, RECORDS, PORTION):
            clicks.send([*numbered(range(first, first + PORTION - 2)), b"no JSON", None])
            end.wait(1)

    sent = started(feed)
    yield
    end.set()
    sent.result(patience(120))


def killed_at_random(clicks: Clicks, job: str, seconds: float) -> bool:
    """Whether the run was still at work."""
    with clicks.start(job, stay=job == "clickstream_ingest", **EAGER) as run:
        threading.Event().wait(seconds)
        at_work = run.poll() is None
        run.kill()
        run.communicate()
    return at_work


def test_runs_killed_at_random_moments_leave_each_record_once(clicks: Clicks) -> None:
    chosen = random.Random(4)
    clicks.create()
    assert clicks.execute("clickstream_fold", day="2020-03-14").returncode == 0
    with reading(clicks), feeding(clicks):
        for number in range(KILLS):
            job = "clickstream_fold" if number % 6 == 5 else "clickstream_ingest"
            killed_at_random(clicks, job, chosen.uniform(4, 12))
    for job in ("clickstream_ingest", "clickstream_fold"):
        with clicks.start(job, stay=False, **EAGER) as run:
            said = run.communicate(timeout=patience(200))[0]
            assert run.returncode == 0, said
    assert len(clicks.in_topic()) == RECORDS
    is_folded(clicks)
