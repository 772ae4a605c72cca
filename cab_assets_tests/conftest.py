import itertools
import secrets
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

OTHER_TIERS = {"faults", "soak", "cluster"}
SESSION, NUMBERS = secrets.token_hex(3), itertools.count(1)  # names of a test's own, also on servers that other sessions use


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack", metavar="CAB_HOME", type=Path, help="use the servers of this home instead of new ones; they are started if need be, and left up"
    )


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in no other tier: `stack` if it needs the embedded servers, else `unit`."""
    for item in items:
        if not OTHER_TIERS & {mark.name for mark in item.iter_markers()}:
            item.add_marker("stack" if "stack" in getattr(item, "fixturenames", ()) else "unit")
    items.sort(key=lambda item: item.get_closest_marker("cold") is not None)


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[Environment]:
    """Return the environment of a stack of this session's own, or of the one that `--stack` names."""
    if home := pytestconfig.getoption("--stack"):
        lifecycle.up(home, print)
        yield environment.read({"CAB_HOME": str(home.resolve())})
        return
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
    number = f"{SESSION}_{next(NUMBERS)}"
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
