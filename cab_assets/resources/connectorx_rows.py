"""Rows that ConnectorX reads, over a connection of its own."""

import re
from collections.abc import Iterator

import connectorx
import pyarrow as pa

from cab_assets.errors import CabError
from cab_assets.resources.dialect import Dialect, Snapshot, SourceUnreadable
from cab_assets.resources.mysql_errors import LOST

BATCH_ROWS = 8_000  # 4,000 to 50,000 read equally fast; at 8,000 malloc asked the system for almost no new pages
UNFIT = "Could not retrieve"  # ConnectorX's words for a value that does not fit the column's type


def read(dialect: Dialect, snapshot: Snapshot, query: str) -> Iterator[pa.RecordBatch]:
    """ConnectorX's batches; a value it cannot carry panics, which is a BaseException, after rows were already delivered."""
    try:
        yield from connectorx.read_sql(
            dialect.url,
            f"{snapshot.mark} {query}",
            protocol=dialect.protocol,
            return_type="arrow_stream",
            batch_size=BATCH_ROWS,
            pre_execution_query=snapshot.join,
        )
    except (Exception, pa.ArrowException) as error:  # noqa: BLE001
        raise _failure(dialect, error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _failure(dialect, error) from None


def _failure(dialect: Dialect, error: BaseException) -> CabError:
    """Return what ended the reading: a value that ConnectorX has no place for, or else the server."""
    said = dialect.redacted(str(error)).strip().splitlines()[0]
    if UNFIT in said:
        return SourceUnreadable(f"the day could not be read to the end: {said}. Look for a value that is no number or no time, fix it, then run the day again")
    of_server = re.search(r"ERROR \d{4} \(", said)
    return dialect.failure(Exception(said) if of_server else dialect.errors(LOST, f"the connection broke off while rows were read: {said}"))
