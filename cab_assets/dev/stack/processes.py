import os
import signal
import time
from pathlib import Path


def of_session(leader: int, folder: Path) -> list[int]:
    """Return the ids of the running processes of a session that work inside a folder.

    The folder is checked because another program may have the session's number by now.
    """
    return [
        pid
        for pid in (int(process.name) for process in Path("/proc").glob("[0-9]*"))
        if _belongs(pid, leader, folder)
    ]


def _belongs(pid: int, leader: int, folder: Path) -> bool:
    try:
        return os.getsid(pid) == leader and Path(f"/proc/{pid}/cwd").readlink().is_relative_to(
            folder
        )
    # The process has ended, or belongs to another user
    except OSError:
        return False


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def await_end(leader: int, folder: Path, seconds: float) -> list[int]:
    """Wait for the end of the processes. Return those that still run after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := of_session(leader, folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
