"""Every command that a page shows in a block of `sh` is run, in the page's order."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from cab_assets.settings import CHECKOUT
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.patience import patience

SECONDS = 300
SAMPLE = "cab sample --days 8 --rows-per-day 5 --clicks 50 --poison 0.2"
PAGES = sorted(
    page
    for page in (CHECKOUT / "docs").rglob("*.md")
    if "```sh" in page.read_text(encoding="utf-8")
)


def commands(page: Path) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.soak
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_work_as_printed(page: Path, clicks: Clicks) -> None:
    clicks.create()
    script = f". .venv/bin/activate\n{SAMPLE}\n{commands(page)}"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=CHECKOUT,
        env={**os.environ, **clicks.pipeline.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience(SECONDS),
    )
    assert ran.returncode == 0, ran.stdout[-5000:]
