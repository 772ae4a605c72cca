"""The two kinds of errors; each error of the pipeline is one of them and says what to do."""

import tempfile
import traceback


class CabError(Exception):
    """An error that needs action by a person; a retry without a change fails again."""


class Unavailable(CabError):
    """A server is down or does not answer in time.

    Nothing is wrong with the data: start the server, then run again.
    """


class Unforeseen(CabError):
    """An error that the pipeline has no name for, of a library or of its own code."""


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
