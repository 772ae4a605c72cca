"""The checks of Spark."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession

from cab_assets.cli.scratch import SeenOtherwise
from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.known_failures import CatalogsDiffer, KafkaHidden
from cab_assets.clients.spark import SparkFailed
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS
from cab_assets.transforms.clickstream import read_clicks as transform

# Tables whose files Spark writes
OF_SPARK = (CLICKSTREAM_BATCHES, CLICKS, REJECTS)
# Short time-outs: with its defaults, Spark retries for minutes
BRIEFLY = {
    "kafka.request.timeout.ms": "5000",
    "kafka.default.api.timeout.ms": "10000",
    "fetchOffset.numRetries": "1",
}
RECORD = (b'{"customer_id": 1}', "doctor", 0, 0, datetime(2020, 1, 1, tzinfo=UTC))
FROM_KAFKA = "value binary, topic string, partition int, offset bigint, timestamp timestamp"


def ask(trials: Trials) -> str:
    version = trials.spark.run(
        lambda session: f"Spark {session.version} ran a job on {session.range(3).count()} rows"
    )
    return f"{trials.spark.where}: {version}"


def read(trials: Trials) -> str:
    where, text = trials.lake.url(trials.scratch.path("one")), trials.scratch.as_text()
    trials.scratch.compare(
        "Spark",
        "one",
        _rows(
            trials,
            lambda session: (
                session.read.schema(trials.scratch.table.ddl).parquet(where).selectExpr(*text)
            ),
        ),
    )
    return "Spark reads what this process wrote, including timestamps"


def write(trials: Trials) -> str:
    """Have Spark write into the root and into existing folders of tables, and delete the files."""
    there = trials.folders(OF_SPARK)
    for folder in (trials.scratch.folder, *there):
        _write(trials, f"{folder}/_{trials.scratch.name}")
    return "this process reads and deletes what Spark writes" + (
        f", also in {' and '.join(there)}" if there else ""
    )


def _write(trials: Trials, folder: str) -> None:
    url = trials.lake.url(folder)
    try:
        trials.spark.run(lambda session: session.range(1).write.parquet(url))
        if not any(info.base_name.endswith(".parquet") for info in trials.lake.list(folder)):
            raise SeenOtherwise(
                f"Spark wrote to {url}, but this process finds no file there; check that"
                " CAB_LAKE_ROOT is the same place for both"
            )
    finally:
        trials.delete(folder)


def read_table(trials: Trials) -> str:
    name = f"{trials.hive.database}.{trials.scratch.name}"
    if not trials.env.spark_remote:
        return (
            "skipped: with CAB_SPARK_MASTER each run has its own session and reads by path, so the"
            " catalog is not used"
        )
    try:
        rows = _rows(
            trials, lambda session: session.table(name).selectExpr(*trials.scratch.as_text())
        )
    except SparkFailed as error:
        raise CatalogsDiffer(
            f"{error}. Only people who query tables in that Spark need them; runs do not. Configure"
            " Spark with HiveServer2's metastore"
        ) from error
    trials.scratch.compare("Spark, by the table's name,", "two", rows)
    return "Spark reads the tables of HiveServer2"


def _rows(trials: Trials, query: Callable[[SparkSession], DataFrame]) -> list[tuple[object, ...]]:
    found = trials.spark.run(lambda session: query(session).toArrow())
    return [tuple(row.values()) for row in found.to_pylist()]


def read_clicks(trials: Trials) -> str:
    def rows(session: SparkSession) -> DataFrame:
        return transform(
            session.createDataFrame([RECORD], FROM_KAFKA),
            start_date=trials.env.start_date,
            zone=trials.env.timezone.key,
        )

    _rows(trials, rows)
    return "Spark's Python workers have the packages that reading clicks needs"


def read_topic(trials: Trials) -> str:
    """Read an empty range of each partition: from its first offset to the same offset."""
    topic = trials.click_topic
    begins = json.dumps({topic.name: topic.look().begins})
    options = topic.for_spark() | BRIEFLY | {"startingOffsets": begins, "endingOffsets": begins}
    try:
        trials.spark.run(
            lambda session: (
                session.read.format("kafka").options(**options).load().select("offset").count()
            )
        )
    except SparkFailed as error:
        remedy = "allow Spark's machines to connect to each broker at its advertised address"
        raise KafkaHidden(
            f"{error}. This process reaches {topic.servers}, Spark does not: {remedy}"
        ) from error
    return "Spark reaches the topic"
