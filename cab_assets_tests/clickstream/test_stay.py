import time

import pytest

from cab_assets.clickstream.ingest import QUIET_SECONDS, Stay


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of a run, in seconds; a test sets it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_run_without_minutes_leaves_at_the_end_offsets_of_its_start() -> None:
    stay = Stay({0: 5, 1: 7}, minutes=None)
    assert not stay.is_over({0: 5, 1: 6}, {0: 9, 1: 9}, committed_any=True)
    assert stay.is_over({0: 5, 1: 7}, {0: 9, 1: 9}, committed_any=False)


def test_a_run_stays_while_a_single_record_waits(clock: list[float]) -> None:
    stay = Stay({0: 5}, minutes=10)
    for _ in range(5):
        clock[0] += QUIET_SECONDS
        assert not stay.is_over({0: 5}, {0: 6}, committed_any=False)


def test_a_run_leaves_a_while_after_the_last_record(clock: list[float]) -> None:
    stay = Stay({0: 5}, minutes=10)
    assert not stay.is_over({0: 5}, {0: 6}, committed_any=False)
    clock[0] += QUIET_SECONDS
    assert not stay.is_over({0: 6}, {0: 6}, committed_any=True)
    clock[0] += 1
    assert stay.is_over({0: 6}, {0: 6}, committed_any=True)


def test_a_run_leaves_after_its_minutes_if_it_has_committed(clock: list[float]) -> None:
    stay = Stay({0: 5}, minutes=1, _born=clock[0])
    clock[0] += 61
    assert not stay.is_over({0: 5}, {0: 6}, committed_any=False)
    assert stay.is_over({0: 5}, {0: 6}, committed_any=True)
