"""Rows that ConnectorX reads, in its own process and over its own connection."""

import re
from collections.abc import Iterator

import pyarrow as pa

from cab_assets.errors import CabError
from cab_assets.sources.dialect import Dialect, Snapshot
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.sources.mysql_failures import LOST
from cab_assets.sources.row_processes import ProcessEnded, ReadingFailed, RowProcess

# Rows per batch of ConnectorX. Batches of this size need few new memory pages; the speed is the
# same from 4,000 to 50,000 rows.
BATCH_ROWS = 8_000
# Part of ConnectorX's message for a value that does not fit the column's type
UNFIT = "Could not retrieve"


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
    """Return the error: SourceUnreadable for a value that does not fit, or the server's error."""
    said = dialect.redacted(str(error)).strip().splitlines()[0]
    if UNFIT in said:
        return SourceUnreadable(
            f"the day could not be read completely: {said}. Find the value that is not a valid"
            " number or time, fix it in the source, then run the day again"
        )
    of_server = re.search(r"ERROR \d{4} \(", said)
    return dialect.failure(
        Exception(said)
        if of_server
        else dialect.errors(LOST, f"the connection was lost while rows were read: {said}")
    )
