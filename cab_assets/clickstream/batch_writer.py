"""What Spark's server calls for each micro-batch."""

from collections.abc import Callable
from typing import Any

from cab_assets.schemas import CLICKSTREAM_BATCHES

# Upper bound of staged, uncommitted batches: enough to keep staging busy while the run commits
AHEAD = 3
# Time-out for the commit of a batch, which takes a second; longer than a run waits for HiveServer2
TAKEN_SECONDS = 75
NOT_TAKEN = "nobody takes what this query stages, so whoever started it is gone"
NOT_STOPPED = "nobody has stopped this query in time, so whoever started it is gone"
RARELY_TWICE = [
    column.name
    for column in CLICKSTREAM_BATCHES.columns
    if column.type in ("bigint", "double", "timestamp")
]
PARQUET = {"compression": "zstd"} | {
    f"parquet.enable.dictionary#{name}": "false" for name in RARELY_TWICE
}


def files_writer(
    prefix: str,
    manifest: str,
    lifetime: float,
    *,
    ahead: int = AHEAD,
    patience: float = TAKEN_SECONDS,
) -> Callable[[Any, int], None]:
    """Return the function that the server calls for each micro-batch. It writes to `<prefix>-<n>`.

    The function imports none of the pipeline's code. It waits until the batch `ahead` before it has
    its manifest, which a run writes when it commits.
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
