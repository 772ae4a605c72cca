"""A preview of the first rows of a day. If the rows cannot be read, the day does not fail."""

import logging
from typing import Any

import dagster as dg

from cab_assets.declarations import Table
from cab_assets.store.audit import head
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay

# Rows that the Dagster UI shows of a materialization
PREVIEW_ROWS = 10


def preview(log: logging.Logger, day: StoredDay, manifest: Manifest) -> dict[str, Any]:
    """Return the first rows as metadata, or nothing if they cannot be read."""
    try:
        rows = head(day, manifest, PREVIEW_ROWS)
        shown = ({name: str(value) for name, value in row.items()} for row in rows)
        return {
            "preview": dg.MetadataValue.table(list(map(dg.TableRecord, shown)), schema(day.table))
        }
    except Exception as error:  # noqa: BLE001
        log.warning(f"{day} is published, but its preview cannot be read: {error!r}")
        return {}


def schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(column.name, column.type) for column in table.columns])
