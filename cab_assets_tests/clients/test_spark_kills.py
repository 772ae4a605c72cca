"""A Spark Connect server that is killed under a job: a server that went away, however far the job
was.
"""

import time
from collections.abc import Iterator
from threading import Timer

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from cab_assets.clients.spark import SparkUnavailable
from cab_assets_tests.faults import await_back, kill
from cab_assets_tests.patience import until
from cab_assets_tests.pipeline import Pipeline

pytestmark = [pytest.mark.faults, pytest.mark.cold]


def one_long(session: SparkSession) -> None:
    """Wait for one answer all the time."""

    def sleeping(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        time.sleep(60)
        yield from batches

    session.range(3).mapInArrow(sleeping, "id long").toArrow()


def many_short(session: SparkSession) -> None:
    """Ask again and again, also the server that comes after."""
    until(lambda: session.range(3).count() != 3, 90)


def asking_late(session: SparkSession) -> None:
    """Ask when another server is up."""
    time.sleep(8)
    session.range(3).count()


@pytest.mark.parametrize("job", [one_long, many_short, asking_late])
def test_a_server_killed_under_a_job_is_one_that_went_away(pipeline: Pipeline, job) -> None:  # type: ignore[no-untyped-def]
    killing = Timer(1.0, kill, (pipeline, "warehouse"))

    def killed(session: SparkSession) -> None:
        session.range(3).count()
        killing.start()
        job(session)

    try:
        with pytest.raises(SparkUnavailable, match=r"see `cab doctor`, then run again"):
            pipeline.spark.run(killed)
    finally:
        killing.join()
        await_back(pipeline, "warehouse")
