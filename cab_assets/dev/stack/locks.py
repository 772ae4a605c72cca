"""A lock on a folder. It imports nothing of ours: the image's jars are fetched with little else."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder; a second `cab up` or `cab down` waits.

    The lock is on the folder itself, so that a wipe cannot delete it.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
