import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from cab_assets.clickstream.batch_writer import files_writer
from cab_assets.clickstream.query import Query, StagingFailed
from cab_assets.clients.known_failures import ExecutorLacksModule, LakeLocked
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment
from cab_assets.errors import CabError


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(f"file://{tmp_path}")


def watch(query: Query) -> None:
    while True:
        query.check()
        time.sleep(0.1)


def ended(
    stack: Environment, lake: Lake, where: str, *, lacking: bool = False, lifetime: float = 60
) -> CabError:
    """What a real streaming query that writes to `where` is said to have ended of."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if lacking:
            import module_of_another_world  # type: ignore[import-not-found]  # noqa: F401
        yield from batches

    with Spark(stack.spark_remote, None).session() as session:
        rows = (
            session.readStream.format("rate").load().select("value").mapInArrow(work, "value long")
        )
        writer = rows.writeStream.foreachBatch(
            files_writer(where, "_manifest.json", lifetime)
        ).option("checkpointLocation", lake.url("checkpoint"))
        query = Query(lake, "batch", {}, writer.start())
        with pytest.raises(CabError) as failed:
            watch(query)
    assert "\n" not in str(failed.value)
    return failed.value


def test_a_query_whose_workers_lack_a_module_says_which(stack: Environment, lake: Lake) -> None:
    error = ended(stack, lake, lake.url("batch"), lacking=True)
    assert type(error) is ExecutorLacksModule
    assert (
        "the streaming query ended: ModuleNotFoundError: No module named 'module_of_another_world'."
        " Remedy: executors need module_of_ano" in str(error)
    )


def test_a_query_that_may_not_write_says_where(stack: Environment, lake: Lake) -> None:
    error = ended(stack, lake, "file:///sys/denied")
    assert type(error) is LakeLocked
    assert (
        "executor driver: java.io.IOException: Mkdirs failed to create file:/sys/denied-0"
        in str(error)
    )


def test_a_query_that_ends_itself_says_so(stack: Environment, lake: Lake) -> None:
    error = ended(stack, lake, lake.url("batch"), lifetime=-1)
    assert type(error) is StagingFailed
    assert (
        str(error)
        == "the streaming query ended: RuntimeError: Streaming query stopped: it has reached its"
        " age limit. The ingest run that started it has ended without stopping it. No action is"
        " needed if a newer run is in progress"
    )
