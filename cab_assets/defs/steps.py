"""What all steps and all ticks have in common: how an error leaves them.

One that no part has named leaves a step with a name; one of ours skips a tick, because nobody is
alarmed by ticks: the job that looks at the same servers every few minutes fails with it.
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
    """Return the function of an asset, a check or an op, with its errors named."""

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
    """Return the function of a sensor, which skips the tick with the text of an error of ours."""

    @wraps(body)
    def skipping(*args: Any, **resources: Any) -> Any:
        try:
            return body(*args, **resources)
        except CabError as error:
            return dg.SkipReason(str(error))

    return skipping  # type: ignore[return-value]


@contextmanager
def naming(part: str) -> Iterator[None]:
    """Raise an error of the block by name; Dagster logs what it came from, with its traceback."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        known = named(error, part, "the log of this run")
        if known is error:
            raise
        raise known from error
