import base64
import os
import socket
import uuid
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from cab_assets import environment
from cab_assets.dev.stack import jars, machine
from cab_assets.dev.stack.ports import LOOPBACK
from cab_assets.dev.stack.server import LOG_FORMAT, Server

# Time-out of each request of the health check
ANSWER_TIMEOUT_SECONDS = 3
# Partitions of a topic. With one, mistakes in the handling of several partitions would be hidden
PARTITIONS = 3
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    # So that a misspelt topic is an error
    "auto.create.topics.enable": "false",
    "num.partitions": str(PARTITIONS),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Bytes: values of 1 MB, with their headers
    "message.max.bytes": str(2 * 2**20),
    "replica.fetch.max.bytes": str(2 * 2**20),
    "log.retention.hours": "168",
    # A broker that was killed with -9 may join again only after this time-out. With 5 s, it is back
    # after 10 s instead of 15
    "broker.session.timeout.ms": "5000",
}


class Kafka(Server):
    """One Apache Kafka broker that is its own controller (KRaft), with the topic of clicks."""

    name: ClassVar[str] = "kafka"
    usual_ports: ClassVar[Mapping[str, int]] = {"kafka": 9092, "controller": 9093}
    waits_for: ClassVar[str] = "a leader of each partition of the topic of clicks"
    connection_errors: ClassVar[tuple[type[Exception], ...]] = (KafkaError, OSError)
    # If its port is in use, the broker ends within 5 s
    start_seconds: ClassVar[int] = 5
    start_retries: ClassVar[int] = 5

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def _settings(self) -> dict[str, str]:
        broker, controller = (f"{LOOPBACK}:{self.ports[name]}" for name in self.usual_ports)
        return SETTINGS | {
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "controller.quorum.voters": f"1@{controller}",
            "log.dirs": str(self.data),
        }

    def prepare(self) -> None:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        # The set-up writes this file last
        if (self.data / "meta.properties").exists():
            return
        settings = self.folder / "format.properties"
        settings.write_text("".join(f"{name}={value}\n" for name, value in self._settings.items()))
        self.run(
            [
                *self._java(),
                "kafka.tools.StorageTool",
                "format",
                "--ignore-formatted",
                "-t",
                new_cluster_id(),
                "-c",
                str(settings),
            ]
        )

    def command(self) -> list[str]:
        """Return the command with all settings, so that changed settings restart the stack."""
        overrides = [f"--override={name}={value}" for name, value in self._settings.items()]
        return [*self._java(), "kafka.Kafka", "/dev/null", *overrides]

    def _java(self) -> list[str]:
        options = [
            "-Xmx512m",
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"-Dlog4j2.configurationFile={LOG_FORMAT.as_uri()}",
        ]
        return [machine.java(), *options, "-cp", jars.broker()]

    def check(self) -> None:
        # If no broker listens, Kafka's client would wait for many seconds and leave a thread
        socket.create_connection((LOOPBACK, self.ports["kafka"]), ANSWER_TIMEOUT_SECONDS).close()
        topic = environment.read(os.environ).clickstream_topic
        limit = ANSWER_TIMEOUT_SECONDS * 1000
        servers = self.variables()["CAB_KAFKA_BOOTSTRAP_SERVERS"]
        with closing(
            KafkaAdminClient(
                bootstrap_servers=servers, bootstrap_timeout_ms=limit, request_timeout_ms=limit
            )
        ) as admin:
            if topic not in admin.list_topics():
                admin.create_topics({topic: {"num_partitions": PARTITIONS}})
            admin.wait_for_topics([topic], timeout_ms=limit)

    def variables(self) -> dict[str, str]:
        return {"CAB_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{self.ports['kafka']}"}


def new_cluster_id() -> str:
    """Return a random UUID in Kafka's form: 22 characters of URL-safe base64.

    The first character is a C, because Kafka's tools would take a dash for an option.
    """
    return f"C{base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:].rstrip('=')}"
