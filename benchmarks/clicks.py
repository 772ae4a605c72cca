"""The clicks' way from the broker to Hive: throughput against plainer ways, what a commit costs,
what a fold costs.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.rounds import Contender, in_turn, seconds_of, table
from benchmarks.say import say
from cab_assets.clickstream.batch import Batch, BatchContents, Range, TopicEnd, batch_path
from cab_assets.clickstream.day_tables import CLICK_DAYS
from cab_assets.clickstream.fold import Folding
from cab_assets.clickstream.ingest import Ingest
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.stage import Rules, staging
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.dev.sample.clicks import FIELDS, Feed, clicks
from cab_assets.dev.sample.send import Pace, send_clicks
from cab_assets.environment import Environment
from cab_assets.store.table_store import TableStore

EVENTS, PYTHON_EVENTS, PARTITIONS = 2_000_000, 200_000, 3
ROUNDS, WARM = 3, 2
BATCHES, EDGE = 1000, 50
FOLDED = (100_000, 200_000, 400_000)
NUMBERS = count(1)
OURS, SPARK, PYTHON = (
    "clickstream_ingest, committed",
    "Spark from local Parquet",
    "kafka-python + json + pyarrow",
)
PLAIN = ", ".join(f"`{json.loads(name)}` string" for name in (f'"{each}"' for each in FIELDS))


@dataclass(frozen=True)
class Bench:
    """A topic full of clicks, and a session on the warm server."""

    env: Environment
    session: SparkSession
    folder: Path
    topic: ClickTopic

    def ledger(self) -> Ledger:
        """Tables and a lake in which nothing was ever committed."""
        number = next(NUMBERS)
        with closing(Hive(str(self.env.hive_url))) as hive:
            hive.execute(f"CREATE DATABASE cab_bench_{number}")
        (self.folder / f"lake{number}").mkdir()
        return Ledger(
            Lake(f"file://{self.folder}/lake{number}"),
            Hive(f"{str(self.env.hive_url).removesuffix('/cab')}/cab_bench_{number}"),
        )

    def ingest(self, ledger: Ledger, topic: ClickTopic) -> int:
        """What a run does, without Dagster around it: drain the topic from its beginning; the
        batches.
        """
        rules, run_id = (
            Rules(self.env.start_date, self.env.timezone.key, self.env.max_offsets_per_batch),
            str(uuid4()),
        )
        run = Ingest(
            ledger=ledger,
            topic=topic,
            run_id=run_id,
            open_query=lambda start, name: staging(
                self.session, ledger.lake, topic, start, rules, name=name, every_seconds=0
            ),
            minutes=None,
            say=lambda _: None,
        )
        return sum(1 for _ in run.run())

    def spark_alone(self) -> None:
        """The same values parsed with an explicit schema, cast, and written: no Kafka, no check, no
        manifest.
        """
        values = self.session.read.parquet(f"file://{self.folder}/values")
        event = values.select(
            F.from_json(F.col("value").cast("string"), PLAIN).alias("event")
        ).select("event.*")
        (
            event.select(
                F.expr("try_cast(customer_id AS bigint)").alias("customer_id"),
                "app_version",
                F.col("OS_version").alias("os_version"),
                *(F.expr(f"try_cast({name} AS double)").alias(name) for name in ("lat", "lon")),
                "page_id",
                "button_id",
                *(
                    (F.col(name) == "Yes").alias(name)
                    for name in (
                        "is_button_click",
                        "is_page_view",
                        "is_scroll_up",
                        "is_scroll_down",
                    )
                ),
                F.try_to_timestamp(
                    F.trim(F.col("`timestamp\n`"), F.lit("\n")), F.lit("yyyy-MM-dd HH:mm:ss")
                ).alias("event_timestamp"),
            )
            .write.mode("overwrite")
            .option("compression", "zstd")
            .parquet(f"file://{self.folder}/plain")
        )

    def python_alone(self) -> None:
        """A consumer in Python: poll, json.loads, pyarrow, zstd Parquet."""
        with closing(
            KafkaConsumer(
                bootstrap_servers=self.topic.servers,
                enable_auto_commit=False,
                max_poll_records=5000,
            )
        ) as consumer:
            partitions = [TopicPartition(self.topic.name, each) for each in range(PARTITIONS)]
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            read, rows = 0, []
            while read < PYTHON_EVENTS:
                for records in consumer.poll(timeout_ms=1000).values():
                    rows += [json.loads(record.value) for record in records]
                    read += len(records)
        pq.write_table(
            pa.Table.from_pylist(rows), self.folder / "python.parquet", compression="zstd"
        )


def fill(env: Environment, topic: str, events: int, *, days: int = 30) -> ClickTopic:
    """A topic of its own with so many clicks."""
    made = ClickTopic(str(env.kafka_bootstrap_servers), topic)
    with closing(KafkaAdminClient(bootstrap_servers=made.servers)) as admin:
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        admin.wait_for_topics([topic])
    say(f"sending {events:,} clicks to {topic}")
    send_clicks(env.but(clickstream_topic=topic), Feed(days=days), events, Pace(), lambda _: None)
    return made


def values(folder: Path, events: int) -> None:
    """The same values as Parquet, in as many files as the topic has partitions."""
    (folder / "values").mkdir()
    feed = clicks(events)
    for each in range(PARTITIONS):
        part = list(islice(feed, events // PARTITIONS + (each < events % PARTITIONS)))
        pq.write_table(
            pa.table({"value": pa.array(part, pa.binary())}),
            folder / "values" / f"{each}.parquet",
            compression="zstd",
        )


def throughput(bench: Bench) -> str:
    """Events a second, contenders in turn."""
    ledgers = [bench.ledger() for _ in range(WARM + ROUNDS)]
    for each in ledgers:
        each.create()
    times = in_turn(
        [
            Contender(SPARK, bench.spark_alone, ROUNDS, WARM),
            Contender(OURS, lambda: bench.ingest(ledgers.pop(), bench.topic), ROUNDS, WARM),
            Contender(PYTHON, bench.python_alone, 1),
        ]
    )
    events = {OURS: EVENTS, SPARK: EVENTS, PYTHON: PYTHON_EVENTS}
    speed = {name: events[name] / times.seconds(name) for name in times}
    return table(
        [
            {
                "way": name,
                "median s": f"{times.seconds(name):.1f}",
                "each s": ", ".join(f"{each:.1f}" for each in times[name]),
                "events a second": f"{speed[name]:,.0f}",
                "ours": (
                    ""
                    if name == OURS
                    else (
                        f"{times.ratio(OURS, name):.2f} × the time"
                        if name == SPARK
                        else f"{speed[OURS] / speed[name]:.1f} × the throughput"
                    )
                ),
            }
            for name in times
        ]
    )


def commits(bench: Bench) -> str:
    """The first commits of one feed and the thousandth of another, each with a look for the newest:
    in turn, so that both find the JVM equally warm.
    """
    old, young = committing(bench.ledger()), committing(bench.ledger())
    say(f"{BATCHES} commits")
    for _ in islice(old, BATCHES - EDGE):
        pass
    pairs = [(next(young), next(old)) for _ in range(EDGE)]
    rows: list[dict[str, object]] = []
    for each, what in enumerate(("a commit", "the sensor's look for the newest commit")):
        early, late = (median(pair[feed][each] for pair in pairs) for feed in (0, 1))
        rows.append(
            {
                "what": what,
                "early s": f"{early:.3f}",
                "late s": f"{late:.3f}",
                "late / early": f"{late / early:.2f}",
            }
        )
    return table(rows)


def committing(ledger: Ledger) -> Iterator[tuple[float, float]]:
    """The seconds of each commit, and of finding it afterwards."""
    ledger.create()
    newest: Batch | None = None
    for number in count():
        commit = seconds_of(partial(ledger.commit, empty_batch(ledger, number), newest))
        newest = ledger.at(number + 1)
        yield commit, seconds_of(partial(ledger.newest, number + 1))


def empty_batch(ledger: Ledger, number: int) -> Batch:
    """A staged batch of one offset that Kafka never delivers."""
    folder = f"bench-{number}"
    ledger.lake.files.create_dir(batch_path(folder))
    one = Range(partition=0, start=number, end=number + 1)
    return Batch(
        number=0,
        folder=folder,
        previous=None,
        topic="bench",
        ranges=(one,),
        contents=BatchContents(undelivered=(one,)),
        topics={"bench": TopicEnd(id="bench", ends={})},
        run_id="bench",
        written=datetime.now(UTC),
    )


def folds(bench: Bench) -> str:
    """One day of so many events, all of them new."""
    rows: list[dict[str, object]] = []
    for events in FOLDED:
        ledger, topic = bench.ledger(), fill(bench.env, f"bench-fold-{events}", events, days=1)
        # Folding has one of its own, and a process has one at a time
        with Spark(bench.env.spark_remote, None).session() as session:
            replace(bench, session=session).ingest(ledger, topic)
        batches = ledger.shown(ledger.newest())
        store = TableStore(CLICK_DAYS.table, ledger.lake, ledger.hive)
        folding = Folding(
            store, Spark(bench.env.spark_remote, None), CLICK_DAYS, str(uuid4()), batches
        )
        seconds = seconds_of(partial(folding.fold, folding.due(folding.days())))
        say(f"  {events:,} events folded in {seconds:.1f} s")
        rows.append(
            {
                "events of the day": f"{events:,}",
                "s": f"{seconds:.1f}",
                "s a 100,000": f"{seconds / events * 100_000:.2f}",
            }
        )
    return table(rows)
