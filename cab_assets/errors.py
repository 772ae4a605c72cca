"""The two kinds of failure: every error of ours is one of them and says what to do next."""

import tempfile
import traceback


class CabError(Exception):
    """Something that a person has to see to; trying the same again ends the same."""


class Unavailable(CabError):
    """A server that may be back in a minute.

    Nothing is wrong with the data, and running again is the cure.
    """


class Unforeseen(CabError):
    """An error that the pipeline has no name for: of a library, or a fault of the pipeline."""


def named(error: Exception, part: str, log: str) -> CabError:
    """Return an error of ours as it is, another one as Unforeseen.

    `log` says where its traceback is.
    """
    if isinstance(error, CabError):
        return error
    said = (str(error).strip().splitlines() or ["without a reason"])[0]
    return Unforeseen(
        f"{part}: {type(error).__name__}: {said}. The pipeline does not know this error."
        " See `cab doctor`, then run again; if it comes again, report it with its traceback,"
        f" which is in {log}"
    )


def told(error: Exception, part: str) -> str:
    """Return what a person is told of an error on a terminal; a traceback goes to a file."""
    if isinstance(error, CabError):
        return str(error)
    with tempfile.NamedTemporaryFile("w", prefix="cab-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return str(named(error, part, log.name))
