"""Rows that ConnectorX reads, in a process and over a connection of its own."""

import re
from collections.abc import Iterator

import pyarrow as pa

from cab_assets.errors import CabError
from cab_assets.sources.dialect import Dialect, Snapshot
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.sources.mysql_failures import LOST
from cab_assets.sources.row_processes import ProcessEnded, ReadingFailed, RowProcess

# 4,000 to 50,000 read equally fast; at 8,000 malloc asked the system for almost no new pages
BATCH_ROWS = 8_000
UNFIT = "Could not retrieve"  # ConnectorX's words for a value that does not fit the column's type


def read(
    dialect: Dialect, snapshot: Snapshot, process: RowProcess, query: str
) -> Iterator[pa.RecordBatch]:
    """Yield ConnectorX's batches. An error may come after rows were already delivered."""
    request = {
        "conn": dialect.url,
        "query": f"{snapshot.mark} {query}",
        "protocol": dialect.protocol,
        "batch_size": BATCH_ROWS,
        "pre_execution_query": snapshot.join,
    }
    try:
        yield from process.read(request)
    except (ReadingFailed, ProcessEnded) as error:
        raise _failure(dialect, error) from None


def _failure(dialect: Dialect, error: Exception) -> CabError:
    """Return what ended the reading: a value that ConnectorX cannot represent, or the server."""
    said = dialect.redacted(str(error)).strip().splitlines()[0]
    if UNFIT in said:
        return SourceUnreadable(
            f"the day could not be read to the end: {said}. Look for a value that is no number or"
            " no time, fix it, then run the day again"
        )
    of_server = re.search(r"ERROR \d{4} \(", said)
    return dialect.failure(
        Exception(said)
        if of_server
        else dialect.errors(LOST, f"the connection broke off while rows were read: {said}")
    )
