"""The first rows of a day, which only people look at: one that cannot be shown fails no day."""

import logging
from typing import Any

import dagster as dg

from cab_assets.schemas import Table
from cab_assets.store.audit import head
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay

PREVIEW_ROWS = 10


def preview(log: logging.Logger, day: StoredDay, manifest: Manifest) -> dict[str, Any]:
    """Return the first rows as metadata, or nothing if they cannot be shown."""
    try:
        rows = head(day, manifest, PREVIEW_ROWS)
        shown = ({name: str(value) for name, value in row.items()} for row in rows)
        return {
            "preview": dg.MetadataValue.table(list(map(dg.TableRecord, shown)), schema(day.table))
        }
    except Exception as error:  # noqa: BLE001
        log.warning(f"{day} is published; its preview cannot be shown: {error!r}")
        return {}


def schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(column.name, column.type) for column in table.columns])
