"""Versions that a test makes by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from cab_assets.clients.lake import Lake
from cab_assets.store.draft import Draft
from cab_assets.store.manifest import DataFile, Manifest
from cab_assets.store.outcomes import Failed, Published
from cab_assets.store.publish import publish
from cab_assets.store.stored_day import StoredDay
from cab_assets.store.table_store import TableStore
from cab_assets.tables.bookings import BOOKINGS


@dataclass(frozen=True)
class Publication:
    """What became of days, by day."""

    published: dict[str, Published]
    failed: dict[str, Exception]


def publication(store: TableStore, days: Iterable[str]) -> Publication:
    """Publish days."""
    outcomes = list(publish(store, days))
    shown = {each.manifest.day: each for each in outcomes if isinstance(each, Published)}
    return Publication(
        shown, {each.day: each.error for each in outcomes if isinstance(each, Failed)}
    )


def written(
    day: StoredDay, version: str, batches: Iterable[pa.RecordBatch] = ()
) -> tuple[DataFile, ...]:
    """Write the files of a version that does not count yet."""
    draft = Draft(day, version)
    draft.write(batches)
    return draft.files


def recorded(day: StoredDay, manifest: Manifest) -> Manifest:
    """Make a version count, if its audit says so."""
    day.record(manifest)
    return manifest


def bookings_day(lake: Lake, day: object) -> StoredDay:
    return StoredDay(BOOKINGS, lake, str(day))


def bookings_days(lake: Lake, days: Iterable[object]) -> list[StoredDay]:
    return [bookings_day(lake, day) for day in days]
