"""The base classes of all errors of the pipeline; each message says what failed and what to do."""

import tempfile
import traceback


class CabError(Exception):
    """An error that needs action by a person; a retry without a change fails again."""


class Unavailable(CabError):
    """A server is down, does not answer in time, or denies access.

    The data is not affected: start the server, then run again. If the error comes back, run
    `cab doctor`: the cause can also be a wrong password or a missing permission.
    """


class Unforeseen(CabError):
    """An error of a library or of the pipeline's own code for which there is no class."""


def named(error: Exception, part: str, log: str) -> CabError:
    """Return a CabError unchanged, and any other error as Unforeseen.

    `log` is the place of its traceback, for the message.
    """
    if isinstance(error, CabError):
        return error
    said = (str(error).strip().splitlines() or ["without a reason"])[0]
    return Unforeseen(
        f"{part}: {type(error).__name__}: {said}. The pipeline does not know this error."
        " Run `cab doctor`, then run again; if the error comes back, report it with its traceback,"
        f" which is in {log}"
    )


def terminal_message(error: Exception, part: str) -> str:
    """Return the message of an error for the terminal. The traceback goes to a file."""
    if isinstance(error, CabError):
        return str(error)
    with tempfile.NamedTemporaryFile("w", prefix="cab-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return str(named(error, part, log.name))
