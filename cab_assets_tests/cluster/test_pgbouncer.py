"""The rides' database behind pgbouncer in transaction mode, with its default settings."""

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from cab_assets.cli.trials import sources
from cab_assets.cli.trials.trials import Trials
from cab_assets.environment import Environment
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets_tests.cluster.pgbouncer import pgbouncer
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"
OURS = (
    "SELECT pg_backend_pid(), name, setting FROM pg_settings WHERE source = 'session' AND name NOT"
    " IN ('client_encoding', 'application_name')"
)


@pytest.fixture
def pooled(stack: Environment) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-pgbouncer-") as folder,
        pgbouncer(Path(folder), stack) as url,
    ):
        yield url


@pytest.fixture
def servers(stack: Environment, pooled: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "lake").mkdir()
    return {
        "CAB_LAKE_ROOT": f"file://{tmp_path}/lake",
        "CAB_BOOKINGS_DB_URL": pooled,
        "CAB_BOOKINGS_DB_PASSWORD": str(stack.bookings_db_password),
    }


def left_behind(pipeline: Pipeline) -> list[object]:
    """Return the settings that differ in the connections that pgbouncer lends next."""
    found: list[object] = []
    connections = [
        psycopg.connect(
            str(pipeline.env.bookings_db_url), password=pipeline.env.bookings_db_password
        )
        for _ in range(4)
    ]
    # Each has begun a transaction, so each has a server's connection of its own
    for each in connections:
        found += each.execute(OURS).fetchall()
    for each in connections:
        each.rollback()
        each.close()
    return found


def test_a_day_is_observed_and_imported_and_no_setting_stays_behind(pipeline: Pipeline) -> None:
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"), ride("BK2", f"{DAY} 11:00:00"))
    assert left_behind(pipeline) == []  # these connections are kept
    seen = pipeline.job("observe_bookings", {"ops": {"observe": {"config": {"everything": True}}}})
    assert seen.success, seen.failure
    assert left_behind(pipeline) == []
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)
    assert left_behind(pipeline) == []


def test_the_doctor_finds_the_database_and_its_clocks(pipeline: Pipeline) -> None:
    trials = Trials(pipeline.env)
    assert "has every column that is imported" in sources.database(trials)
    assert "sessions run in UTC" in sources.clocks(trials)


def test_a_parameter_that_pgbouncer_does_not_pass_on_is_named_with_what_to_do(
    pipeline: Pipeline,
) -> None:
    dialect = type(pipeline.db.dialect)(
        f"{pipeline.db.dialect.address}?options=-csearch_path%3Dfleet", pipeline.db.dialect.password
    )
    db = type(pipeline.db)(dialect, pipeline.table)
    with pytest.raises(
        BookingsDbRefused,
        match=r"unsupported startup parameter: options. .* remove it from CAB_BOOKINGS_DB_URL",
    ):
        db.fingerprints(date(2020, 1, 2), date(2020, 1, 3), hashed=False, seconds=60)
