import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError

from cab_assets.dev.stack.kafka import new_cluster_id
from cab_assets.dev.stack.stack import remembered
from cab_assets.dev.stack.status import status
from cab_assets.environment import Environment
from cab_assets_tests.patience import patience, within


@pytest.fixture
def admin(stack: Environment) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap_servers)) as client:
        yield client


def test_no_id_of_a_cluster_looks_like_an_option() -> None:
    assert not [
        found for found in (new_cluster_id() for _ in range(10_000)) if found.startswith("-")
    ]


def test_the_topic_of_clicks_has_three_partitions(admin: KafkaAdminClient) -> None:
    (topic,) = admin.describe_topics(["clickstream"])
    assert [each["leader_id"] for each in topic["partitions"]] == [1, 1, 1]


def test_another_topic_of_clicks_is_made_when_it_is_asked_for(
    stack: Environment, admin: KafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", "taps")
    assert {each.name: each.answers for each in status(stack.home)}["kafka"]
    (topic,) = admin.describe_topics(["taps"])
    assert len(topic["partitions"]) == 3


def test_a_value_of_a_megabyte_goes_in_and_comes_out(
    stack: Environment, admin: KafkaAdminClient
) -> None:
    admin.create_topics({"big": {"num_partitions": 1}}, wait_for_metadata=True)
    value = os.urandom(1_000_000)
    with closing(KafkaProducer(bootstrap_servers=stack.kafka_bootstrap_servers)) as producer:
        producer.send("big", value)
    with closing(
        KafkaConsumer(
            bootstrap_servers=stack.kafka_bootstrap_servers,
            consumer_timeout_ms=int(patience(10) * 1000),
        )
    ) as consumer:
        consumer.assign([TopicPartition("big", 0)])
        consumer.seek_to_beginning()
        assert next(consumer).value == value


def test_a_misspelt_topic_is_not_made(stack: Environment, admin: KafkaAdminClient) -> None:
    with (
        closing(
            KafkaProducer(bootstrap_servers=stack.kafka_bootstrap_servers, max_block_ms=1000)
        ) as producer,
        pytest.raises(KafkaTimeoutError),
    ):
        producer.send("clikstream", b"lost")
    assert "clikstream" not in admin.list_topics()


@pytest.mark.faults
def test_a_broker_that_hangs_is_known_to_within_ten_seconds(stack: Environment) -> None:
    kafka = next(each for each in status(stack.home) if each.name == "kafka")
    assert kafka.pid
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        with within(10):
            error = next(
                each for each in remembered(stack.home).servers if each.name == "kafka"
            ).connection_error()
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    assert isinstance(error, KafkaTimeoutError)
