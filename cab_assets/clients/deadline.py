"""Calls in a thread that holds no exit up, and a time limit for those that have none of
their own.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def started(call: Callable[[], T]) -> "Future[T]":
    """`call` at work in a thread of its own; the process may end before it."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` gives; TimeoutError when that takes longer. The call itself goes on."""
    try:
        return started(call).result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer within {seconds:g} s") from error
