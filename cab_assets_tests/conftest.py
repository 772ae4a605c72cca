import itertools
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from cab_assets import environment
from cab_assets.clients import hive
from cab_assets.environment import Environment
from cab_assets.sample.connect import source_table
from cab_assets.stack import lifecycle
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.pipeline import Pipeline

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("cold") is not None)


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
def servers(tmp_path: Path) -> dict[str, str]:
    """What a test runs on beside the stack, or instead of it, as variables: here, a lake of its own."""
    (tmp_path / "lake").mkdir()
    return {"CAB_LAKE_ROOT": f"file://{tmp_path}/lake"}


@pytest.fixture
def pipeline(stack: Environment, servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """The pipeline with a source table, a Hive database, a lake and a Dagster of this test's own."""
    number = next(NUMBERS)
    (tmp_path / "dagster").mkdir()
    base = environment.read({"CAB_HOME": str(stack.home), **servers})
    own = {
        "CAB_HOME": str(stack.home),
        "CAB_BOOKINGS_TABLE": f"bookings_{number}",
        "CAB_CLICKSTREAM_TOPIC": f"clicks-{number}",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        **servers,
        "CAB_HIVE_URL": f"{str(base.hive_url).rpartition('/')[0]}/cab_{number}",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    env = environment.read(own)
    with closing(hive(base)) as all_databases:
        all_databases.execute(f"CREATE DATABASE cab_{number}")
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
