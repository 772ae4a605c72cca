"""What a person is told of a Spark job that failed, by the real Spark."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cab_assets.clients.known_failures import (
    ExecutorLacksModule,
    LakeHidden,
    LakeLocked,
    ServerHidden,
)
from cab_assets.clients.spark import Spark, SparkFailed, SparkUnavailable
from cab_assets.environment import Environment
from cab_assets.errors import CabError
from cab_assets_tests.patience import patience

Job = Callable[[SparkSession], Any]
LAKE = "hdfs://127.0.0.1:1/lake"  # where nobody listens
DENIED = "file:///sys/denied"  # nobody, root included, can make a folder there
CLASSIC = """
from cab_assets.clients.spark import Spark
from cab_assets_tests.clients.test_spark import lacking, stumbling, unwritable

streaming = lambda session: session.readStream.format("kafka").load()
for job in (stumbling, lacking, unwritable, streaming):
    try:
        Spark(None, "local[1]").run(job)
    except Exception as error:
        print(type(error).__name__, error)
"""


def stumbling(session: SparkSession) -> Any:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            raise ValueError("the 13th\nof a month")

    return session.range(10).mapInArrow(work, "id long").toArrow()


def lacking(session: SparkSession) -> Any:
    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import module_of_another_world  # type: ignore[import-not-found]  # noqa: F401

        yield from batches

    return session.range(10).mapInArrow(work, "id long").toArrow()


def unwritable(session: SparkSession) -> None:
    session.range(10).write.parquet(DENIED)


@pytest.mark.parametrize(
    ("job", "error", "says"),
    [
        (stumbling, SparkFailed, "ValueError: the 13th"),
        (
            lacking,
            ExecutorLacksModule,
            "executors need module_of_another_world: install the pipeline's Python packages",
        ),
        (
            unwritable,
            LakeLocked,
            (
                r"stage \d+\.0 on \S+ executor driver: java.io.IOException: Mkdirs failed to create"
                r" file:/sys/denied"
            ),
        ),
        (
            lambda session: session.range(10).select(F.expr("1 / (id - id)")).toArrow(),
            SparkFailed,
            r"\[DIVIDE_BY_ZERO\] Division by zero",
        ),
        (
            lambda session: session.read.parquet("file:///nowhere").toArrow(),
            LakeHidden,
            r"\[PATH_NOT_FOUND\] Path does not exist: file:/nowhere",
        ),
        (
            lambda session: session.read.parquet(f"{LAKE}/a").toArrow(),
            LakeHidden,
            "Call From .* to localhost:1 failed on connection exception",
        ),
        (
            lambda session: session.read.parquet("hdfs://127.0.0.1:2/lake").toArrow(),
            ServerHidden,
            "Call From .* to localhost:2 failed",
        ),
        (
            lambda session: session.read.parquet("s3a://bucket/lake").toArrow(),
            LakeHidden,
            "S3AFileSystem not found",
        ),
    ],
)
def test_a_job_that_fails_says_why_in_one_line(
    stack: Environment, job: Job, error: type[CabError], says: str
) -> None:
    with pytest.raises(CabError, match=says) as failed:
        Spark(stack.spark_remote, None, LAKE).run(job)
    assert type(failed.value) is error
    assert str(failed.value).startswith(f"Spark at {stack.spark_remote}: ")
    assert "\n" not in str(failed.value)


def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong_with_it(
    stack: Environment, tmp_path: Path
) -> None:
    (tmp_path / "cut.parquet").write_text("not to the end")
    with pytest.raises(
        SparkFailed,
        match=(
            r"error while reading file file://\S+cut.parquet\.; cause: java.lang.RuntimeException:"
            r" .* is not a Parquet file"
        ),
    ):
        Spark(stack.spark_remote, None).run(
            lambda session: session.read.schema("id long").parquet(f"file://{tmp_path}").toArrow()
        )


@pytest.mark.faults  # a JVM of its own, cold
def test_a_session_in_the_own_process_says_the_same(tmp_path: Path) -> None:
    # Pyspark leaves there that this process speaks Connect
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    said = subprocess.run(
        [sys.executable, "-c", CLASSIC],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=patience(240),
    )
    stumbled, lacked, denied, no_kafka = said.stdout.splitlines()
    assert stumbled == "SparkFailed Spark at local[1]: ValueError: the 13th"
    assert lacked.startswith(
        "ExecutorLacksModule Spark at local[1]: ModuleNotFoundError: No module named"
        " 'module_of_another_world'"
    )
    assert denied.startswith("LakeLocked Spark at local[1]: stage 2.0 on ")
    assert no_kafka.startswith(
        "SparkLacksKafka Spark at local[1]: Failed to find data source: kafka"
    )


@pytest.mark.parametrize("master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,127.0.0.1:2"])
def test_a_master_where_nobody_listens_is_named_at_once(master: str) -> None:
    with (
        pytest.raises(SparkUnavailable, match=f"the Spark master at {master} cannot be reached"),
        Spark(None, master).session(),
    ):
        pass
