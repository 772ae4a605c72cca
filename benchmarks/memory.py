"""How much memory one import takes: `python -m benchmarks.memory DAY` in a fresh process."""

import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.contenders import OneDay
from benchmarks.say import say
from benchmarks.stack import source
from cab_assets import environment


def peak_megabytes(day: date) -> int:
    """The peak RSS of a process that imports `day` and does nothing else."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.memory", str(day)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout.split()[-1])


def peak_kilobytes(process: int | str = "self") -> int:
    """Of this program alone: `ru_maxrss` would start with the memory of the one that started it."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        OneDay(
            source(environment.read(os.environ)), date.fromisoformat(sys.argv[1]), Path(folder)
        ).whole_import()
    say(str(peak_kilobytes() // 1024))
