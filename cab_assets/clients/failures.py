"""Find the cause in error texts of Spark and Hive, and add the remedy if the cause is known."""

import re
from collections.abc import Iterator
from urllib.parse import urlparse

from cab_assets.clients.known_failures import KNOWN
from cab_assets.errors import CabError

TRACEBACK = "Traceback (most recent call last):"
# Prefixes of a line that have no information
WRAPPERS = (
    r"pyspark\.errors\.exceptions\.\w+\.\w+: |org\.apache\.spark\.SparkException: (?=Job aborted)"
)
LOST_TASK = (
    r"Job aborted due to stage failure: Task \S+ in (stage \S+) failed \d+ times?, most recent"
    r" failure: Lost task .*? \(TID \d+\) \((.*?)\): "
)
# Lines that have no information
SAYS_NOTHING = (
    rf"{re.escape(TRACEBACK)}$|An exception was thrown from the Python worker|An error occurred"
    r" while calling|in awaitResult: ?$|^(\S+:)?$"
)


def failure(where: str, said: str, otherwise: type[CabError], lake: str | None = None) -> CabError:
    """Return the error for the text `said` of a server, in one line.

    If the cause is known, the error has its own class and a remedy, else it is an `otherwise`.
    `lake` is the root's URL: a network error is about the lake only if it names the lake.
    """
    why = reason(said)
    for known in KNOWN:
        found = re.search(known.said, why)
        if found and (not known.of_lake or _names(lake, why)):
            return known.error(
                f"{where}: {why}. Remedy: {known.remedy.format(*found.groups())}. See `cab doctor`,"
                " then run again"
            )
    return otherwise(f"{where}: {why}")


def _names(lake: str | None, why: str) -> bool:
    """Return whether an error names the lake's host or bucket, its port or its folder."""
    address = urlparse(lake or "")
    parts = [re.escape(part) for part in (address.hostname, address.path.rstrip("/")) if part]
    if address.port:
        parts.append(rf"(?<=:){address.port}")
    # "Call From" names the machine that calls, which is not the lake
    elsewhere = re.sub(r"Call From \S+", "", why)
    return any(re.search(rf"(?<![\w.-]){part}(?![\w.-])", elsewhere) for part in parts)


def reason(said: str) -> str:
    """Return what failed and its root cause from a server's stack trace."""
    told = [line for line in map(_plain, _errors(said)) if not re.search(SAYS_NOTHING, line)]
    if not told:
        return (said.strip().splitlines() or ["no reason given"])[0]
    return told[0] if told[-1] in told[0] else f"{told[0]}; cause: {told[-1]}"


def _errors(said: str) -> Iterator[str]:
    """Yield the lines that name an error of Java or Python, outermost first."""
    in_traceback = False
    for number, line in enumerate(said.strip().splitlines()):
        ends_traceback = in_traceback and line[:1].strip() != ""
        if number == 0 or ends_traceback or line.startswith((": ", "Caused by: ")):
            yield line
        in_traceback = line.endswith(TRACEBACK) or (in_traceback and not ends_traceback)


def _plain(line: str) -> str:
    line = re.sub(WRAPPERS, "", line.removeprefix("Caused by: ").removeprefix(": "))
    return re.sub(r"\s+SQLSTATE: \w+.*$", "", re.sub(LOST_TASK, r"\1 on \2: ", line)).strip()
