import itertools
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from cab_assets import environment
from cab_assets.environment import Environment
from cab_assets.resources.hive import Hive
from cab_assets.sample.connect import source_table
from cab_assets.stack import lifecycle
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.pipeline import Pipeline

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def stack() -> Iterator[Environment]:
    """The environment of a stack of this test session's own."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a run that CI gives up takes its servers down too
    with tempfile.TemporaryDirectory(prefix="cab-") as home:
        try:
            lifecycle.up(Path(home), print)
            yield environment.read({"CAB_HOME": home})
        finally:
            lifecycle.down(Path(home))


@pytest.fixture
def rides_db() -> dict[str, str]:
    """Variables of a database other than the stack's."""
    return {}


@pytest.fixture
def pipeline(stack: Environment, rides_db: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """The pipeline with a source table, a Hive database, a lake and a Dagster of this test's own."""
    number = next(NUMBERS)
    (tmp_path / "dagster").mkdir()
    own = {
        "CAB_HOME": str(stack.home),
        "CAB_BOOKINGS_TABLE": f"bookings_{number}",
        "CAB_HIVE_URL": f"{str(stack.hive_url).removesuffix('/cab')}/cab_{number}",
        "CAB_CLICKSTREAM_TOPIC": f"clicks-{number}",
        "CAB_LAKE_ROOT": f"file://{tmp_path}/lake",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        **rides_db,
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    env = environment.read(own)
    with closing(Hive(str(stack.hive_url))) as hive:
        hive.execute(f"CREATE DATABASE cab_{number}")
    (tmp_path / "lake").mkdir()
    with source_table(env):
        pass
    with dg.DagsterInstance.ephemeral() as instance:
        pipeline = Pipeline(env, instance, own)
        with closing(pipeline.hive):
            yield pipeline


@pytest.fixture
def clicks(pipeline: Pipeline) -> Clicks:
    """The click side of `pipeline`; the topic is the test's to create."""
    return Clicks(pipeline)
