import logging
import os
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from kafka import KafkaProducer
from kafka.admin import NewTopic

from cab_assets import environment
from cab_assets.clients import click_topic, deadline
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.kafka_client import Admin, KafkaRefused
from cab_assets.clients.kafka_security import KafkaSecurity, escaped
from cab_assets.errors import Unavailable
from cab_assets.wiring import Clients
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.patience import patience, within
from cab_assets_tests.secure_kafka import PASSWORD, USER, SecureBroker, secure_broker

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with secure_broker(tmp_path_factory.mktemp("kafka")) as found:
        yield found


def test_clicks_come_from_brokers_that_want_tls_and_a_password(
    broker: SecureBroker, clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {
        "BOOTSTRAP_SERVERS": broker.servers,
        "SECURITY": "SASL_SSL",
        "USER": USER,
        "PASSWORD": PASSWORD,
        "CA": str(broker.ca),
    }
    for name, value in own.items():
        monkeypatch.setenv(f"CAB_KAFKA_{name}", value)
    topic = Clients(environment.read(os.environ)).click_topic
    with closing(Admin(topic.servers, topic.security)) as admin:
        admin.create_topics([NewTopic(topic.name, 3, 1)])
        admin.wait_for_topics([topic.name])
    with closing(
        KafkaProducer(bootstrap_servers=topic.servers, **topic.security.for_python())
    ) as producer:
        sent = [
            producer.send(topic.name, value).get(timeout=patience(10))
            for value in numbered(range(30))
        ]
    run = clicks.ingest()
    assert run.failure == ""
    assert clicks.places("clickstream") == sorted(
        (record.partition, record.offset) for record in sent
    )
    said = {"the run": run.log} | {
        log.name: log.read_text()
        for log in (clicks.pipeline.env.home / "logs").iterdir()
        if log.is_file()
    }
    assert "warehouse.log" in said
    assert [
        who for who, text in said.items() if PASSWORD in text or escaped(PASSWORD) in text
    ] == []


# kafka-python gives up at the same time as we do, and may say so before
@pytest.mark.parametrize("longer", [0, 2])
def test_a_broker_that_hangs_up_on_every_login_does_not_let_one_in(
    monkeypatch: pytest.MonkeyPatch, longer: int
) -> None:
    monkeypatch.setattr(
        click_topic, "within", lambda seconds, call: deadline.within(seconds + longer, call)
    )
    with socketserver.ThreadingTCPServer(
        ("127.0.0.1", 0), socketserver.BaseRequestHandler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(
                KafkaRefused,
                match=r"rejected the login of user cab \(SCRAM-SHA-512\); check CAB_KAFKA_USER",
            ):
                ClickTopic(
                    f"127.0.0.1:{server.server_address[1]}",
                    "clickstream",
                    KafkaSecurity("SASL_PLAINTEXT", "SCRAM-SHA-512", "cab", "wrong"),
                ).look()
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "password",
            (
                "rejected the login of user cab (SCRAM-SHA-512); check CAB_KAFKA_USER,"
                " CAB_KAFKA_PASSWORD"
            ),
        ),
        (
            "user",
            (
                "rejected the login of user wrong (SCRAM-SHA-512); check CAB_KAFKA_USER,"
                " CAB_KAFKA_PASSWORD"
            ),
        ),
        ("ca", "is not trusted by {ca}, or is for another host name; check CAB_KAFKA_CA"),
    ],
)
def test_a_wrong_password_or_authority_is_said_in_time(
    broker: SecureBroker, wrong: str, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kafka.net.transport")  # what it logs keeps its sockets
    other = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    changed: dict[str, Any] = {wrong: other if wrong == "ca" else "wrong"}
    with within(10), pytest.raises(KafkaRefused, match=re.escape(said.format(ca=other))) as error:
        ClickTopic(broker.servers, "clickstream", replace(broker.security(), **changed)).look()
    assert PASSWORD not in str(error.value)
    assert not isinstance(error.value, Unavailable)


def test_a_password_that_becomes_wrong_is_no_silence_in_the_look_into_gaps(
    broker: SecureBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kafka.net.transport")
    topic = ClickTopic(broker.servers, "clickstream", broker.security(password="wrong"))
    with within(10), pytest.raises(KafkaRefused, match="rejected the login of user"):
        topic.first_delivered(0, [(0, 1)])
    with within(10), pytest.raises(KafkaRefused, match="rejected the login of user"):
        list(topic.sent_ms(0, 0, 1))


def test_a_run_whose_password_is_wrong_says_what_to_check(
    broker: SecureBroker, clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {
        "BOOTSTRAP_SERVERS": broker.servers,
        "SECURITY": "SASL_SSL",
        "USER": USER,
        "PASSWORD": "wrong",
        "CA": str(broker.ca),
    }
    for name, value in own.items():
        monkeypatch.setenv(f"CAB_KAFKA_{name}", value)
    failure = clicks.ingest().failure
    assert "rejected the login of user" in failure
    assert "check CAB_KAFKA_USER, CAB_KAFKA_PASSWORD" in failure
    assert "run again" not in failure
