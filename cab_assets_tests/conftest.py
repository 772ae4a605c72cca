import itertools
import secrets
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from cab_assets import environment
from cab_assets.dev.sample.connect import source_table
from cab_assets.environment import Environment
from cab_assets.wiring import Clients
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.embedded import Embedded
from cab_assets_tests.pipeline import Pipeline

# A test with two of these marks is of the first
TIERS = ("cluster", "soak", "faults", "stack", "unit")
EMBEDDED = pytest.StashKey[Embedded]()
# Names of a test's own, also on servers that other sessions use
SESSION, NUMBERS = secrets.token_hex(3), itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        metavar="CAB_HOME",
        type=Path,
        help=(
            "use the servers of this home instead of new ones; they are started if need be, and"
            " left up"
        ),
    )


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark a test of no other tier `stack` if it needs the embedded servers, else `unit`.

    Put `unit` first and `cold` last.
    """
    for item in items:
        tier = next(
            filter(item.get_closest_marker, TIERS), "stack" if needs_servers(item) else "unit"
        )
        if tier == "unit" and needs_servers(item):
            raise pytest.UsageError(
                f"{item.nodeid} asks for servers, which no test marked unit does: see"
                " CONTRIBUTING.md"
            )
        item.add_marker(tier)
        item.user_properties.append(("tier", tier))  # its reports keep that
    items.sort(
        key=lambda item: (
            0 if item.get_closest_marker("unit") else 2 if item.get_closest_marker("cold") else 1
        )
    )


def needs_servers(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())


def pytest_configure(config: pytest.Config) -> None:
    # Both: after each run, Dagster treats SIGTERM as SIGINT is treated, and a shell's `&` ignores
    # SIGINT. A process that a test starts would inherit that
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    shared = getattr(config, "workerinput", {}).get("home")
    config.stash[EMBEDDED] = embedded = Embedded(
        Path(shared) if shared else config.getoption("--stack")
    )
    config.add_cleanup(embedded.end)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each process of this session (pytest-xdist) the same home."""
    node.workerinput["home"] = str(node.config.stash[EMBEDDED].make())


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Start the servers now if a test will need them: those that need none run first."""
    if not session.config.option.collectonly and any(map(needs_servers, session.items)):
        session.config.stash[EMBEDDED].start()


def pytest_keyboard_interrupt() -> None:
    """Let nothing disturb the end of the servers: whoever gives a session up may say so twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each tier took."""
    reports = [
        each
        for group in terminalreporter.stats.values()
        for each in group
        if isinstance(each, pytest.TestReport)
    ]
    for tier in reversed(TIERS):
        of_tier = [each for each in reports if ("tier", tier) in map(tuple, each.user_properties)]
        if of_tier:
            tests, seconds = (
                len({each.nodeid for each in of_tier}),
                sum(each.duration for each in of_tier),
            )
            terminalreporter.write_line(
                f"{tier}: {tests} tests, which took {seconds // 60:.0f} min {seconds % 60:.0f} s"
                " one after the other"
            )


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Environment:
    """Return the environment of a stack of this session's own, or of the one that
    `--stack` names.
    """
    return environment.read({"CAB_HOME": str(pytestconfig.stash[EMBEDDED].home())})


@pytest.fixture
def servers(tmp_path: Path) -> dict[str, str]:
    """What a test runs on beside the stack, or instead of it, as variables: here, a lake of its
    own.
    """
    (tmp_path / "lake").mkdir()
    return {"CAB_LAKE_ROOT": f"file://{tmp_path}/lake"}


@pytest.fixture
def pipeline(
    stack: Environment, servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """The pipeline with a source table, a Hive database, a lake and a Dagster of this
    test's own.
    """
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
    with closing(Clients(base).hive) as all_databases:
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
