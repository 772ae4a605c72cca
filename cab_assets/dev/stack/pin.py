"""Update the hashes of a lock file of jars after a change of its versions.

Run it as `python -m cab_assets.dev.stack.pin FILE`.
"""

import sys
import tempfile
from pathlib import Path

from cab_assets.dev.stack.jars import JarSet, sha256


def pin(file: Path) -> None:
    """Download each jar of the file from Maven Central, and write its SHA-256 into its line."""
    jars = JarSet(file, file.stem, 0)
    with tempfile.TemporaryDirectory() as draft:
        jars.fetch_into(Path(draft))
        lines = [
            f"{sha256(Path(draft, 'jars', jar.path))}  {jar.use}  {jar.coordinates}\n"
            for jar in jars.pinned
        ]
    file.write_text("".join(lines))


if __name__ == "__main__":
    pin(Path(sys.argv[1]))
