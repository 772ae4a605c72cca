"""Run tiers of the checks one after the other, and say at the end how long each took.

Every tier runs, also after one that failed; the exit code is 1 if any did.
"""

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SIGNAL_SECONDS = 60  # longer than servers take to end
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "--durations=25"]
# Whole files: tests of one may share a table
ON_TWO_CORES = ["--numprocesses", "2", "--dist", "loadfile"]
TIERS: dict[str, list[list[str]]] = {
    "lint": [[f"{BIN}/ruff", "check"], [f"{BIN}/ruff", "format", "--check"]],
    "types": [[f"{BIN}/mypy"]],
    "unit": [[*PYTEST, *ON_TWO_CORES, "-m", "unit"]],
    "test": [[*PYTEST, *ON_TWO_CORES]],
    "faults": [[*PYTEST, "-m", "faults and not soak and not cluster"]],
    "soak": [[*PYTEST, *ON_TWO_CORES, "-m", "soak and not cluster"]],
    "cluster": [[*PYTEST, "-m", "cluster"]],
}


def run(tier: str) -> str:
    """Run a tier; return a line that says how it ended and how long it took."""
    began = time.monotonic()
    passed = all(map(passes, TIERS[tier]))
    minutes, seconds = divmod(time.monotonic() - began, 60)
    return f"{tier:8}{minutes:3.0f} min {seconds:2.0f} s  {'passed' if passed else 'FAILED'}"


def passes(command: list[str]) -> bool:
    """Run a command, which ends its servers itself when this process is told to end."""
    process = subprocess.Popen(command)
    try:
        return process.wait() == 0
    except (SystemExit, KeyboardInterrupt) as told:
        for again in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        _end(process, has_been_told=isinstance(told, KeyboardInterrupt))
        sys.exit(1)


def _end(process: subprocess.Popen[bytes], *, has_been_told: bool) -> None:
    """Wait until the process has ended its servers. Ctrl-C tells the whole group; else, tell it."""
    while process.poll() is None:  # Dagster takes a signal that meets one of its runs for its own
        if not has_been_told:
            process.terminate()
        has_been_told = False
        with suppress(subprocess.TimeoutExpired):
            process.wait(SIGNAL_SECONDS)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lines = [run(tier) for tier in sys.argv[1:]]
    print("\n".join(lines))  # noqa: T201
    sys.exit(any(line.endswith("FAILED") for line in lines))
