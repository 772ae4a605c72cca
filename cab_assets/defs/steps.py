"""How errors leave steps and ticks.

A step raises every unexpected error as Unforeseen. A tick that fails with a CabError is skipped,
with the error as its reason. It raises no alarm: a job that uses the same servers every few minutes
fails with the same error.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import dagster as dg

from cab_assets.errors import CabError, named

Body = TypeVar("Body", bound=Callable[..., Any])


def step(body: Body) -> Body:
    """Return the function of an asset, a check or an op, with every error raised as a CabError."""

    @wraps(body)
    def returning(*args: Any, **resources: Any) -> Any:
        with naming(body.__name__):
            return body(*args, **resources)

    @wraps(body)
    def yielding(*args: Any, **resources: Any) -> Any:
        with naming(body.__name__):
            yield from body(*args, **resources)

    return yielding if inspect.isgeneratorfunction(body) else returning  # type: ignore[return-value]


def tick(body: Body) -> Body:
    """Return the function of a sensor, which skips the tick with the message of a CabError."""

    @wraps(body)
    def skipping(*args: Any, **resources: Any) -> Any:
        try:
            return body(*args, **resources)
        except CabError as error:
            return dg.SkipReason(str(error))

    return skipping  # type: ignore[return-value]


@contextmanager
def naming(part: str) -> Iterator[None]:
    """Raise an error of the block as a CabError. Dagster logs its cause with the traceback."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        known = named(error, part, "the log of this run")
        if known is error:
            raise
        raise known from error
