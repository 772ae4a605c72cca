"""Download and check the jars of every role: `fetch_jars.py <folder>`, a subfolder for each use."""

import shutil
import sys
import tempfile
from pathlib import Path

from cab_assets.dev.stack.jars import EMBEDDED, JarSet

PINS = Path(__file__).parent / "jars"
SETS = [
    EMBEDDED,
    JarSet(PINS / "hdfs.sha256", "HDFS", 68),
    JarSet(PINS / "hive.sha256", "Apache Hive", 265),
]


def bring(jars: JarSet, target: Path) -> None:
    jars.fetch(lambda line: print(line, flush=True))  # noqa: T201
    shutil.copytree(jars.folder, target, dirs_exist_ok=True)
    shutil.rmtree(jars.folder)


if __name__ == "__main__":
    import os

    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        for each in SETS:
            bring(each, Path(sys.argv[1]))
