from typing import Any

import pytest
from kafka.errors import UnknownBrokerIdError

from cab_assets.clients.click_topic import NoSuchTopic, check_answer, moment
from cab_assets.clients.kafka_client import KafkaFailed, KafkaRefused, KafkaUnavailable, answering
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.errors import CabError


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (3, NoSuchTopic, "there is no topic clicks at kafka:9092"),
        (5, KafkaUnavailable, "LeaderNotAvailableError"),
        (17, KafkaFailed, "InvalidTopicError: {'clicks'}"),
        (29, KafkaRefused, "--allow-principal 'User:cab' --operation Read --topic 'clicks'"),
        (999, KafkaFailed, r"\[Error 999\]"),
    ],
)
def test_a_topic_that_is_described_by_an_error_is_not_an_empty_topic(
    code: int, error: type[CabError], said: str
) -> None:
    answer: dict[str, Any] = {"error_code": code, "topic_id": None, "partitions": []}
    security = KafkaSecurity("SASL_SSL", "SCRAM-SHA-512", "cab", "secret")
    with pytest.raises(error, match=said) as found, answering("kafka:9092", security):
        check_answer(answer, "clicks", "kafka:9092")
    assert type(found.value) is error


def test_a_broker_whose_connection_was_lost_is_told_as_silent() -> None:
    security = KafkaSecurity("PLAINTEXT", "PLAIN", None, None)
    with (
        pytest.raises(KafkaUnavailable, match="does not answer"),
        answering("kafka:9092", security),
    ):
        raise UnknownBrokerIdError(-1)


def test_a_topic_that_is_described_is_no_error() -> None:
    check_answer({"error_code": 0}, "clicks", "kafka:9092")


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (-(10**15), "0001-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999000+00:00"),
        (10**15, "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_kafka_time_outside_the_calendar_is_told_as_its_end(
    milliseconds: int, shown: str
) -> None:
    assert moment(milliseconds).isoformat() == shown
