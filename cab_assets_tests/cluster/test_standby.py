"""A read replica as the source: it ends queries that keep it from replaying its
primary's changes.
"""

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cab_assets import environment
from cab_assets.clients.lake import Lake
from cab_assets.daily import retries
from cab_assets.daily.days import import_days
from cab_assets.daily.import_day import ImportedDay
from cab_assets.dev.sample.load import load_days
from cab_assets.sources import postgresql_session
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbInterrupted, ReplicaBehind
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets.wiring import Clients
from cab_assets_tests.cluster.standby import Replicated, replicated
from cab_assets_tests.patience import until
from cab_assets_tests.sources.source import DAY
from cab_assets_tests.versions import bookings_days

pytestmark = pytest.mark.cluster
NEXT = DAY + timedelta(1)
CHURN = ("UPDATE bookings SET tip_amount = tip_amount + 1", "VACUUM bookings")
Churning = Callable[[int], None]


@pytest.fixture(scope="module")
def servers() -> Iterator[Replicated]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-standby-") as folder,
        replicated(Path(folder)) as made,
    ):
        env = environment.read({"CAB_ENV": "cluster", **made.primary.variables()})
        load_days(env, DAY, 2, 1_000, 7, print)
        yield made


@pytest.fixture
def replica(servers: Replicated) -> BookingsDb:
    return Clients(
        environment.read({"CAB_ENV": "cluster", **servers.standby.variables()})
    ).bookings_db


@pytest.fixture
def churning(servers: Replicated, monkeypatch: pytest.MonkeyPatch) -> Churning:
    """Change and vacuum the primary's table in the middle of so many imports of DAY."""
    monkeypatch.setattr(retries, "PAUSES", (0.1, 0.1, 0.1))
    whole = SourceDay.slices

    def times(count: int) -> None:
        left = iter(range(count))

        def slices(day: SourceDay) -> Iterator[Slice]:
            if day.start.date() == DAY and next(left, None) is not None:
                servers.sql(*CHURN)
            return whole(day)

        monkeypatch.setattr(SourceDay, "slices", slices)

    return times


def imported(db: BookingsDb, folder: Path, said: list[str]) -> dict[str, ImportedDay | Exception]:
    days = [str(DAY), str(NEXT)]
    return dict(
        import_days(
            db, bookings_days(Lake(f"file://{folder}"), days), "run", at_once=1, say=said.append
        )
    )


def test_a_day_that_replayed_changes_interrupt_is_imported_by_a_retry(
    replica: BookingsDb, churning: Churning, tmp_path: Path
) -> None:
    said: list[str] = []
    churning(1)
    days = imported(replica, tmp_path, said)
    assert [
        isinstance(outcome, ImportedDay) and outcome.manifest.rows for outcome in days.values()
    ] == [1_000, 1_000]
    (line,) = said
    assert line.startswith(f"{DAY}: retry 1 of 3")
    assert "conflict with recovery" in line


def test_a_day_that_is_interrupted_time_and_again_names_the_replicas_settings(
    replica: BookingsDb, churning: Churning, tmp_path: Path
) -> None:
    said: list[str] = []
    churning(9)
    days = imported(replica, tmp_path, said)
    failure = days[str(DAY)]
    assert isinstance(failure, BookingsDbInterrupted), failure
    assert len(said) == 3
    assert "hot_standby_feedback" in str(failure)
    assert "max_standby_streaming_delay" in str(failure)
    assert "PASSWORD" not in str(failure)
    assert isinstance(days[str(NEXT)], ImportedDay), days


def test_a_replica_that_does_not_apply_changes_is_named(
    servers: Replicated, replica: BookingsDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES", ())
    servers.on_standby("SELECT pg_wal_replay_pause()")
    try:
        failure = imported(replica, tmp_path, [])[str(DAY)]
    finally:
        servers.on_standby("SELECT pg_wal_replay_resume()")
    assert isinstance(failure, ReplicaBehind), failure
    assert "pg_wal_replay_resume()" in str(failure)


def test_a_replica_that_is_minutes_behind_is_named(
    servers: Replicated, replica: BookingsDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_session, "REPLAY_SECONDS", 0)
    monkeypatch.setattr(
        postgresql_session,
        "REPLAY",
        postgresql_session.REPLAY.replace("pg_last_wal_receive_lsn()", "'FFFFFFFF/0'::pg_lsn"),
    )
    servers.sql("UPDATE bookings SET tip_amount = tip_amount + 1")
    with pytest.raises(ReplicaBehind, match="s behind"):
        until(lambda: replica.clocks() and False, 10, "the change is applied")
