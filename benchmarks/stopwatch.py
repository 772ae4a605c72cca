"""How a run divides into parts: each second is counted once, for the innermost part that it was
spent in.
"""

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Stopwatch:
    """Seconds by thread (the run's own, or the importers beside it) and part."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[bool, str], float] = defaultdict(float)
        self._here = threading.local()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        parts = self._here.__dict__.setdefault("parts", [])
        self._lap(parts)
        parts.append(name)
        try:
            yield
        finally:
            self._lap(parts)
            parts.pop()

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Count what `owner.method` takes, or takes to give its next item, as `name`."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                result = original(*args, **kwargs)
            return self._items(result, name) if isinstance(result, Iterator) else result

        setattr(owner, method, timed)

    def _items(self, items: Iterator[Any], name: str) -> Iterator[Any]:
        while True:
            with self.part(name):
                item = next(items, self)
            if item is self:
                return
            yield item

    def _lap(self, parts: list[str]) -> None:
        now, main = time.monotonic(), threading.current_thread() is threading.main_thread()
        if parts:
            self.seconds[main, parts[-1]] += now - self._here.since
        self._here.since = now


def timed(run: Callable[[], object], watch: Stopwatch, name: str) -> None:
    with watch.part(name):
        run()
