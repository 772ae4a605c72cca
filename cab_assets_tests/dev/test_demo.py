import shutil
import subprocess
import sys

from cab_assets.settings import CHECKOUT
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Pipeline

DEMO = [sys.executable, "-c", "from cab_assets.cli.main import app; app()", "demo", "--days", "2"]


def test_the_demo_holds_two_days_of_rides_and_every_click_against_their_sources(
    pipeline: Pipeline,
) -> None:
    Clicks(pipeline).create()
    shutil.copy(CHECKOUT / "dagster.yaml", pipeline.variables["DAGSTER_HOME"])
    ended = subprocess.run(
        DEMO,
        env=pipeline.environ(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=patience(240),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert "10 rows of aggregates, each equal to the totals of the source." in lines
    assert "19,806 accepted + 194 rejected = 20,000 sent." in lines
