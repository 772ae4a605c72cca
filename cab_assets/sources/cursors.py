"""A pool of cursors that see one snapshot, for several threads."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any


class Cursors:
    """Cursors of connections that see one snapshot. Each is used by one thread at a time."""

    def __init__(self, cursors: Iterable[Any]) -> None:
        self._free: SimpleQueue[Any] = SimpleQueue()
        self._failure: Exception | None = None
        for cursor in cursors:
            self._free.put(cursor)

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """Lend a cursor. After an error, raise the first error instead: it ended a transaction."""
        with self.lend_failed() as cursor:
            if self._failure:
                raise self._failure
            try:
                yield cursor
            except Exception as error:
                self._failure = self._failure or error
                raise

    @contextmanager
    def lend_failed(self) -> Iterator[Any]:
        """Lend a cursor, even if its transaction failed."""
        cursor = self._free.get()
        try:
            yield cursor
        finally:
            self._free.put(cursor)
