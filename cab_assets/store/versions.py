"""Version ids. They sort by what a version was made from, then by code version, then by run."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cab_assets.declarations import Table

# The first part of the id of a version that is made from an instant
FORMAT = "%Y%m%dT%H%M%S%fZ"


def moment_id(moment: datetime, *, after: str | None = None) -> str:
    """Return an instant (UTC) as the first part of a version id.

    `after` is the id of a version that is older, even if the clock was ahead when it was made.
    """
    if after and after.split("-")[0] >= f"{moment:{FORMAT}}":
        # A folder whose name only looks like an id has no time of the calendar
        with suppress(ValueError, OverflowError):
            ahead = datetime.strptime(after.split("-")[0], FORMAT).replace(tzinfo=UTC)
            moment = ahead + timedelta(microseconds=1)
    return f"{moment:{FORMAT}}"


def version_id(made_from: str, table: Table, run_id: str) -> str:
    """Return the id of a version that a run makes.

    `made_from` is the instant of the source's snapshot, the number of the newest batch, or the id
    of the version that this one is derived from.
    """
    return f"{made_from.split('-')[0]}-{table.code_version:03d}-{run_id}"


def without_run(version: str) -> str:
    """Return the id without the run, to compare the age of versions."""
    return "-".join(version.split("-")[:2])


def is_version_id(name: str) -> bool:
    """Return whether a folder's name is a version id. The pipeline ignores other folders.

    The id of a run has no dot, so a copy such as `<id>.bak` is no version.
    """
    return re.fullmatch(r"(\d{8}T\d{12}Z|\d{12})-\d{3}-[\w-]+", name, re.ASCII) is not None
