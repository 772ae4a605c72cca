"""The function that Spark's server calls for each micro-batch."""

from collections.abc import Callable
from typing import Any

from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

# Upper bound of staged, uncommitted batches: enough to keep staging busy while the run commits
AHEAD = 3
# Time-out in seconds for the commit of a batch, which takes about one. It is longer than a run
# waits for HiveServer2
TAKEN_SECONDS = 75
NO_ACTION = "No action is needed if a newer run is in progress"
NOT_TAKEN = (
    f"Streaming query stopped: no staged batch was committed for {TAKEN_SECONDS} s. The ingest run"
    f" that started it has ended or waits for HiveServer2. {NO_ACTION}"
)
NOT_STOPPED = (
    "Streaming query stopped: it has reached its age limit. The ingest run that started it has"
    f" ended without stopping it. {NO_ACTION}"
)
# Columns whose values rarely repeat, for which a Parquet dictionary costs time and saves no space
MOSTLY_DISTINCT = [
    column.name
    for column in CLICKSTREAM_BATCHES.columns
    if column.type in ("bigint", "double", "timestamp")
]
PARQUET = {"compression": "zstd"} | {
    f"parquet.enable.dictionary#{name}": "false" for name in MOSTLY_DISTINCT
}


def files_writer(
    prefix: str,
    manifest: str,
    lifetime: float,
    *,
    ahead: int = AHEAD,
    patience: float = TAKEN_SECONDS,
) -> Callable[[Any, int], None]:
    """Return the function that the server calls for micro-batch n. It writes to `<prefix>-<n>`.

    The function imports none of the pipeline's code, which the server may lack. It first waits for
    the manifest of micro-batch n - `ahead`, which the run writes when it commits that batch.
    """
    first_call: list[float] = []

    def write(batch: Any, number: int) -> None:
        import time as clock

        from pyspark.errors import AnalysisException

        def is_taken(path: str) -> bool:
            try:
                return bool(batch.sparkSession.read.format("binaryFile").load(path).schema)
            except AnalysisException:
                return False

        began = clock.monotonic()
        first_call.append(began)
        while number >= ahead and not is_taken(f"{prefix}-{number - ahead}/{manifest}"):
            clock.sleep(0.1)
            if clock.monotonic() - began > patience:
                raise RuntimeError(NOT_TAKEN)
        if began - first_call[0] > lifetime:
            raise RuntimeError(NOT_STOPPED)
        batch.write.mode("overwrite").options(**PARQUET).parquet(f"{prefix}-{number}")

    return write
