"""What the stack takes from the machine: Java, and `setpriv` of util-linux."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cab_assets.dev.stack.errors import UnfitMachine

OLDEST_JAVA = 17  # what Spark 4 runs on
REMEDY = (
    f"install Java {OLDEST_JAVA} or newer (Debian: apt install openjdk-17-jre-headless) and put it"
    " on PATH or in JAVA_HOME"
)


def check() -> None:
    """Raise UnfitMachine if something is missing; Java is the one that Spark is going to pick."""
    found = java()
    version = _version(found)
    if version < OLDEST_JAVA:
        raise UnfitMachine(f"{found} is Java {version}: {REMEDY}.")
    if shutil.which("setpriv") is None:
        raise UnfitMachine(
            "there is no setpriv on PATH: install util-linux, a part of every Linux distribution."
        )


def java() -> str:
    """Return the path of Java, found as `spark-class` finds it: JAVA_HOME goes before PATH."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(Path(home) / "bin" / "java" if home else "java")
    if found is None:
        raise UnfitMachine(
            f"there is no java {f'in JAVA_HOME={home}' if home else 'on PATH'}: {REMEDY}."
        )
    return found


def _version(java: str) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None:
        raise UnfitMachine(f"{java} does not run: {REMEDY}.")
    return int(found[1])


if __name__ == "__main__":  # `make` asks before it downloads anything
    try:
        check()
    except UnfitMachine as unfit:
        sys.exit(str(unfit))
