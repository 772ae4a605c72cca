import os
import signal
import time
from pathlib import Path


def of_session(leader: int, folder: Path) -> list[int]:
    """Return the living processes of a session that work inside a folder.

    A session's number alone may belong to another program by now.
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
    except OSError:  # it has ended, or belongs to another user
        return False


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def await_end(leader: int, folder: Path, seconds: float) -> list[int]:
    """Return the processes that are left after so many seconds, at best none."""
    deadline = time.monotonic() + seconds
    while (left := of_session(leader, folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
