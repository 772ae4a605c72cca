"""The output of Ivy while it downloads jars."""

import os
import re
import select
import subprocess
from typing import IO, cast

# Time-out for output: Ivy prints a dot per kilobyte, so after this time the connection is dead, not
# slow
SILENCE_SECONDS = 30


def listen(process: subprocess.Popen[bytes]) -> str:
    """Return the output of the process. Kill it if it prints nothing for SILENCE_SECONDS."""
    output = cast(IO[bytes], process.stdout).fileno()
    said = b""
    while select.select([output], [], [], SILENCE_SECONDS)[0]:
        if not (more := os.read(output, 65536)):
            return said.decode(errors="replace")
        said += more
    process.kill()
    return f"(no answer for {SILENCE_SECONDS} s)"


def reason(said: str) -> str:
    """Return the first exception in Ivy's output, or the host or jar that it did not find."""
    found = re.search(r"\((\S+(?:Exception|Error)\b.*|no answer.*)\)", said) or re.search(
        r"(Host \S+ not found|(?<=:: )\S+: not found)", said
    )
    return found[1] if found else said.strip()[-300:]
