"""The click side of the pipeline on a topic of a test's own, on the session's broker."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.settings import CHECKOUT
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Outcome, Pipeline, execute, tags

Place = tuple[int, int]  # partition, offset
EVENT = {
    "customer_id": "26564820",
    "app_version": "3.2.35",
    "OS_version": "Android",
    "lat": "16.4454865",
    "lon": "99.902065",
    "page_id": "e7bc5fb2-1231-11eb-adc1-0242ac120002",
    "button_id": "fcba68aa-1231-11eb-adc1-0242ac120002",
    "is_button_click": "No",
    "is_page_view": "Yes",
    "is_scroll_up": "No",
    "is_scroll_down": "Yes",
    "timestamp\n": "2020-03-14 09:59:07\n",
}


def event(**changed: str) -> bytes:
    """A click as the app sends it; `timestamp` and the other keys as given."""
    when = {"timestamp\n": changed.pop("timestamp") + "\n"} if "timestamp" in changed else {}
    return json.dumps(EVENT | when | changed).encode()


def numbered(numbers: Iterable[int], **changed: str) -> list[bytes]:
    """Clicks that differ in nothing but customer_id."""
    return [event(customer_id=str(number), **changed) for number in numbers]


@dataclass(frozen=True)
class Clicks:
    pipeline: Pipeline

    @property
    def topic(self) -> str:
        return self.pipeline.env.clickstream_topic

    @property
    def servers(self) -> str:
        return str(self.pipeline.env.kafka_bootstrap_servers)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.pipeline.lake, self.pipeline.hive)

    def admin(self) -> Any:
        return closing(KafkaAdminClient(bootstrap_servers=self.servers))

    def create(self, partitions: int = 3, *, topic: str | None = None, **config: str) -> None:
        """Make the topic.

        `retention_ms="1000"` is its `retention.ms`. By default it keeps records of any age.
        """
        settings = {"retention.ms": "-1"} | {
            name.replace("_", "."): value for name, value in config.items()
        }
        with self.admin() as admin:
            admin.create_topics(
                [NewTopic(topic or self.topic, partitions, 1, topic_configs=settings)]
            )
            admin.wait_for_topics([topic or self.topic])

    def send(
        self,
        values: Iterable[bytes | None],
        *,
        partition: int | None = None,
        topic: str | None = None,
        **given: Any,
    ) -> list[Place]:
        """Send values, round robin or to one partition; where each of them is."""
        with closing(
            KafkaProducer(bootstrap_servers=self.servers, linger_ms=5, max_request_size=2 * 2**20)
        ) as producer:
            count = len(producer.partitions_for(topic or self.topic))
            # This client refuses to send neither key nor value
            sent = [
                producer.send(
                    topic or self.topic,
                    value,
                    b"" if value is None else None,
                    partition=number % count if partition is None else partition,
                    **given,
                )
                for number, value in enumerate(values)
            ]
            producer.flush()
            return [
                (record.partition, record.offset)
                for record in (each.get(timeout=patience(20)) for each in sent)
            ]

    def in_topic(self) -> dict[Place, bytes | None]:
        """Every record the topic delivers, read by a consumer that shares nothing with ours."""
        with closing(
            KafkaConsumer(
                bootstrap_servers=self.servers,
                enable_auto_commit=False,
                isolation_level="read_committed",
            )
        ) as consumer:
            partitions = [
                TopicPartition(self.topic, number)
                for number in sorted(consumer.partitions_for_topic(self.topic))
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            ends, found = consumer.end_offsets(partitions), {}
            while any(consumer.position(each) < ends[each] for each in partitions):
                for records in consumer.poll(timeout_ms=500).values():
                    found.update(
                        {(record.partition, record.offset): record.value for record in records}
                    )
            return found

    def ingest(self, *, stay: bool = False) -> Outcome:
        """The job `clickstream_ingest`, in this process."""
        config = {"ops": {"click_batches": {"config": {"stay": stay}}}}
        return self.pipeline.job("clickstream_ingest", config)

    def execute(
        self, job: str = "clickstream_ingest", *, day: str | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """`dagster job execute` in a process of its own."""
        command = self.command(job, day=day)
        return subprocess.run(
            command,
            env=self.pipeline.environ(**variables),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=patience(240),
        )

    def start(
        self, job: str = "clickstream_ingest", *, stay: bool = False, **variables: str
    ) -> "subprocess.Popen[str]":
        """The same, at work when this returns.

        Whoever starts it ends it. A fold takes every day that lacks something.
        """
        flags = (
            {"click_batches": {"stay": stay}}
            if job == "clickstream_ingest"
            else {"click_days": {"all_due": True}}
        )
        config = Path(self.pipeline.variables["DAGSTER_HOME"]) / f"{job}-{stay}.yaml"
        config.write_text(
            json.dumps({"ops": {op: {"config": given} for op, given in flags.items()}})
        )
        command = [
            *self.command(job, day=None if job == "clickstream_ingest" else "2020-01-01"),
            "-c",
            str(config),
        ]
        environ = self.pipeline.environ(**variables)
        return subprocess.Popen(
            command,
            env=environ,
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, job: str, *, day: str | None = None) -> list[str]:
        return execute(job, tags(day) if day else {})

    def fold(
        self, first: str | None = None, last: str | None = None, *, sweep: bool = False
    ) -> Outcome:
        """Fold a day or a range by hand.

        Every day that lacks something when no day is given. `sweep` looks at every day there is.
        """
        from cab_assets.definitions import defs

        due = first is None
        result = (
            defs()
            .resolve_job_def("clickstream_fold")
            .execute_in_process(
                instance=self.pipeline.instance,
                tags=tags(first or "2020-01-01", last),
                partition_key=(first or "2020-01-01") if last is None else None,
                run_config={"ops": {"click_days": {"config": {"all_due": due, "sweep": sweep}}}},
                raise_on_error=False,
            )
        )
        return self.pipeline.outcome(result.run_id, success=result.success)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Through HiveServer2; `{name}` is a table or view of the test's database."""
        names = ("clickstream_batches", "clickstream", "clickstream_rejects", "clicks", "rejects")
        hive = self.pipeline.hive
        return hive.execute(sql.format(**{name: f"`{hive.database}`.`{name}`" for name in names}))

    def places(self, name: str) -> list[Place]:
        """Where the rows of a table or view come from, sorted.

        A record that is there twice is twice in it.
        """
        return sorted(
            (int(row[0]), int(row[1]))
            for row in self.query(f"SELECT kafka_partition, kafka_offset FROM {{{name}}}")
        )

    def is_whole(self) -> None:
        """Every record of the topic is in exactly one of the two views, once."""
        seen = Counter(self.places("clickstream") + self.places("clickstream_rejects"))
        assert sorted(seen) == sorted(self.in_topic())
        assert set(seen.values()) <= {1}

    def batches(self) -> list[Batch]:
        """The committed batches that readers see, oldest first."""
        return self.ledger.shown(self.ledger.newest())

    def metadata(self, outcome: Outcome) -> Mapping[str, Any]:
        """Of the last batch a run committed."""
        return outcome.metadata["clickstream", "None"]
