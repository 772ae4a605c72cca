"""The views over `clickstream_batches`: accepted and rejected records of recent batches."""

from cab_assets.store.declare import declare_view
from cab_assets.store.pointers import Pointers
from cab_assets.tables.clicks import EVENT, EVENT_DATE, PLACE, REJECTION

VIEWS = {
    "clickstream": ("reasons IS NULL", (*EVENT, EVENT_DATE, *PLACE)),
    "clickstream_rejects": ("reasons IS NOT NULL", (*PLACE, *REJECTION)),
}


def declare_views(batches: Pointers) -> None:
    """Declare the views. Each is one scan of the table, so a reader sees one consistent state."""
    for name, (condition, columns) in VIEWS.items():
        declare_view(batches.hive, name, columns, f"FROM {batches.name} WHERE {condition}")
