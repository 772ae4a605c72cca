"""Servers that Debian has and no registry of Python's: installed where they are missing, never
started by their packages.
"""

import os
import shutil
from pathlib import Path

from cab_assets_tests.processes import run

INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends"]
# At that level a package starts nothing
QUIET = {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}


def program(name: str, package: str) -> str:
    """Its path; the package is installed for it if need be."""
    found = _find(name)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        run(["apt-get", "update", "--quiet"])
        run([*INSTALL, package], env=os.environ | QUIET)
        found = _find(name)
    assert found, (
        f"{name} is missing: install Debian's {package} (`apt-get install {package}`), then run"
        " again"
    )
    return found


def _find(name: str) -> str | None:
    folders = ["/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
