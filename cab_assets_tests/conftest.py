import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets import environment
from cab_assets.environment import Environment
from cab_assets.stack import lifecycle


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
