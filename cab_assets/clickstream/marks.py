"""Files in the lake that record the commits, to detect when the metastore has lost some."""

from pydantic import BaseModel, ValidationError

from cab_assets.clients.lake import Lake
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

NEWEST, RETIRED = (f"{CLICKSTREAM_BATCHES.name}/{name}" for name in ("_newest", "_retired"))


class Newest(BaseModel, frozen=True):
    """A committed batch, usually the newest.

    If several writers commit at once, the last one writes this file, so a newer batch may exist.
    """

    number: int
    folder: str


class Retired(BaseModel, frozen=True):
    """The number up to which batches are retired."""

    number: int


def newest_mark(lake: Lake) -> Newest | None:
    try:
        return Newest.model_validate_json(lake.read(NEWEST))
    except (FileNotFoundError, ValidationError):
        return None


def mark_newest(lake: Lake, number: int, folder: str) -> None:
    lake.write(NEWEST, Newest(number=number, folder=folder).model_dump_json().encode())


def retired_mark(lake: Lake) -> int | None:
    try:
        return Retired.model_validate_json(lake.read(RETIRED)).number
    except (FileNotFoundError, ValidationError):
        return None


def mark_retired(lake: Lake, number: int) -> None:
    """Record that batches up to `number` are retired. The recorded number never decreases."""
    if number > (-1 if (known := retired_mark(lake)) is None else known):
        lake.write(RETIRED, Retired(number=number).model_dump_json().encode())
