"""Folders of batches that the commands of an operator write, outside of Dagster runs."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from cab_assets.errors import CabError

FORMAT = "%Y%m%dT%H%M%SZ"
BEGUN = re.compile(r"(?:replay|gap)-(\d{8}T\d{6}Z)-")
# Housekeeping does not delete a folder for so long after a command has started it
KEPT = timedelta(hours=24)
# A command does not commit an older folder. It is less than KEPT because the clocks of the two
# machines may differ
USABLE = KEPT / 2


# The name of a run's query, before the number of a batch; and the name of a batch's folder
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
QUERY_NAME = rf"{UUID}-\d+"
FOLDER_NAME = rf"{QUERY_NAME}-\d+|{BEGUN.pattern}{UUID}-0"


class TookTooLong(CabError):
    """A command wrote for so long that housekeeping may delete what it wrote."""


def new_folder(kind: str) -> str:
    """Return the name of a folder that is started now; `kind` is replay or gap."""
    return f"{kind}-{datetime.now(UTC):{FORMAT}}-{uuid4()}-0"


def may_be_written(folder: str, now: datetime) -> bool:
    """Return whether a command may still write or commit the folder."""
    return (begun := _begun(folder)) is not None and now - begun < KEPT


def raise_if_old(folder: str, now: datetime) -> None:
    """Raise TookTooLong if housekeeping may soon delete the folder."""
    begun = _begun(folder)
    if begun is not None and now - begun > USABLE:
        hours = USABLE // timedelta(hours=1)
        raise TookTooLong(
            f"writing {folder} took more than {hours} hours, so it was not committed: housekeeping"
            " may delete it. Run the command again"
        )


def _begun(folder: str) -> datetime | None:
    found = BEGUN.match(folder)
    return datetime.strptime(found[1], FORMAT).replace(tzinfo=UTC) if found else None
