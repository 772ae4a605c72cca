"""The programs that the stack needs on the machine: Java, and `setpriv` of util-linux."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cab_assets.dev.stack.errors import UnfitMachine

# The oldest version that Spark 4 runs on
OLDEST_JAVA = 17
REMEDY = (
    f"install Java {OLDEST_JAVA} or newer (Debian: apt install openjdk-17-jre-headless) and put it"
    " on PATH or in JAVA_HOME"
)


def check() -> None:
    """Raise UnfitMachine if a program is missing or Java, as Spark will find it, is too old."""
    found = java()
    version = _version(found)
    if version < OLDEST_JAVA:
        raise UnfitMachine(f"{found} is Java {version}: {REMEDY}.")
    if shutil.which("setpriv") is None:
        raise UnfitMachine(
            "there is no setpriv on PATH: install util-linux, which every Linux distribution has."
        )


def java() -> str:
    """Return the path of Java as `spark-class` finds it: in JAVA_HOME, else on PATH."""
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


# `make` runs this check before it downloads anything
if __name__ == "__main__":
    try:
        check()
    except UnfitMachine as unfit:
        sys.exit(str(unfit))
