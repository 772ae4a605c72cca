import subprocess
import sys

from cab_assets.settings import CHECKOUT
from cab_assets_tests.patience import patience


def test_the_stopwatch_finds_every_seam_of_the_pipeline() -> None:
    """In a process of its own: it replaces what it watches."""
    subprocess.run(
        [sys.executable, "-c", "from benchmarks.backfill import watched; watched()"],
        cwd=CHECKOUT,
        check=True,
        timeout=patience(60),
    )
