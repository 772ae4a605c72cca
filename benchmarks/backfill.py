"""One run over many days, and where its time goes: `python -m benchmarks.backfill FIRST LAST` in a
fresh process.
"""

import json
import subprocess
import sys
from typing import Any

import dagster as dg

from benchmarks.say import say
from benchmarks.stopwatch import Stopwatch, timed

EVENTS, METASTORE, SPARK, IMPORT, REST = (
    "Dagster's events",
    "metastore",
    "Spark",
    "import",
    "rest of the run",
)
SOURCE, FILES = "source", "files"
WAIT, BESIDE = "waiting for the importers", "importers, beside it: "


def divided(first: str, last: str) -> dict[str, float]:
    """Seconds of a run over all days from `first` to `last`, by part."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.backfill", first, last],
        check=True,
        capture_output=True,
        text=True,
    )
    parts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return parts


def watched() -> Stopwatch:
    """A stopwatch on the seams of the pipeline."""
    from dagster._core.execution.context.op_execution_context import OpExecutionContext
    from pyspark.sql.connect.dataframe import DataFrame

    from cab_assets.clients import hive, spark
    from cab_assets.daily import bring
    from cab_assets.defs import preview
    from cab_assets.sources import bookings_db, postgresql, source_day
    from cab_assets.store import draft, pointers, stored_day

    watch = Stopwatch()
    seams: list[tuple[Any, str, str]] = [
        (OpExecutionContext, "log_event", EVENTS),
        (dg.DagsterLogManager, "log", EVENTS),
        (hive.Hive, "execute", METASTORE),
        *((pointers.Pointers, name, METASTORE) for name in ("locations", "add", "move")),
        (spark, "new_session", SPARK),
        (DataFrame, "toArrow", SPARK),
        (bring, "import_days", IMPORT),
        (preview, "head", FILES),
        *((postgresql.PostgreSQL, name, SOURCE) for name in ("connect", "snapshot")),
        (source_day.SourceDay, "control_totals", SOURCE),
        (source_day.SourceDay, "slices", SOURCE),
        (bookings_db.BookingsDb, "source", SOURCE),
        *((draft.Draft, name, FILES) for name in ("write", "read_back", "seal")),
        (stored_day.StoredDay, "newest", FILES),
    ]
    for owner, method, name in seams:
        watch.wrap(owner, method, name)
    return watch


def run(first: str, last: str) -> None:
    from cab_assets.definitions import defs

    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with dg.DagsterInstance.get() as instance:
        defs().resolve_job_def("bookings_daily").execute_in_process(instance=instance, tags=tags)


def shares(watch: Stopwatch) -> dict[str, float]:
    """Seconds of the run's own thread, which add up to the run, and those of the importers beside
    it, which do not.
    """
    own = {
        WAIT if name == IMPORT else name: seconds
        for (main, name), seconds in watch.seconds.items()
        if main
    }
    return own | {
        BESIDE + name: seconds
        for (main, name), seconds in watch.seconds.items()
        if not main and name in (SOURCE, FILES)
    }


if __name__ == "__main__":
    stopwatch = watched()
    timed(lambda: run(*sys.argv[1:]), stopwatch, REST)
    say(json.dumps(shares(stopwatch)))
