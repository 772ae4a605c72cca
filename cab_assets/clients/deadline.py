"""Run a call in a daemon thread, with a time-out for calls that have none."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def started(call: Callable[[], T]) -> "Future[T]":
    """Start `call` in a thread of its own. The process may end before the call does."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        # Raised again where the result is read
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns.

    Raise TimeoutError if it takes longer. The call itself is not stopped.
    """
    try:
        return started(call).result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer within {seconds:g} s") from error
