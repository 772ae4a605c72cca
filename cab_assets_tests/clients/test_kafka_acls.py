"""A broker that shows a topic to those alone that have a right to it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets.cli.trials import sources, spark
from cab_assets.cli.trials.trials import Trials
from cab_assets.clickstream.seal import sealed_at
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.kafka_client import Admin, KafkaRefused
from cab_assets.errors import CabError
from cab_assets.wiring import Clients
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.patience import patience, until
from cab_assets_tests.secure_kafka import PASSWORD, USER, SecureBroker, secure_broker

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
SUPERS = "User:broker;User:ANONYMOUS"


pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    folder = tmp_path_factory.mktemp("kafka")
    with secure_broker(folder, authorizer_class_name=AUTHORIZER, super_users=SUPERS) as found:
        yield found


@pytest.fixture
def servers(servers: dict[str, str], broker: SecureBroker) -> dict[str, str]:
    own = {"BOOTSTRAP_SERVERS": broker.servers, "SECURITY": "SASL_SSL", "CA": str(broker.ca)}
    own |= {"USER": USER, "PASSWORD": PASSWORD}
    return servers | {f"CAB_KAFKA_{name}": value for name, value in own.items()}


@pytest.fixture
def admin(broker: SecureBroker, clicks: Clicks) -> Iterator[KafkaAdminClient]:
    """Return a client that may do anything.

    The topic holds five clicks that our user may not see.
    """
    root = broker.security("broker", "broker")
    with closing(Admin(broker.servers, root)) as client:
        client.create_topics([NewTopic(clicks.topic, 1, 1)])
        client.wait_for_topics([clicks.topic])
        send(broker, clicks.topic, range(5))
        yield client


def send(broker: SecureBroker, topic: str, numbers: range) -> None:
    root = broker.security("broker", "broker")
    with closing(KafkaProducer(bootstrap_servers=broker.servers, **root.for_python())) as producer:
        for value in numbered(numbers):
            producer.send(topic, value).get(timeout=patience(10))


def right(topic: str, operation: ACLOperation) -> ACL:
    allowed, where = ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, topic)
    return ACL(f"User:{USER}", "*", operation, allowed, where)


def error(topic: ClickTopic) -> CabError | None:
    try:
        topic.look()
    except CabError as found:
        return found
    return None


def test_a_topic_that_our_user_may_not_see_is_not_an_empty_one(
    clicks: Clicks, admin: KafkaAdminClient
) -> None:
    denied = f"does not allow {USER} to describe or read topic {clicks.topic}"
    assert denied in CliRunner().invoke(app, ["lag"]).output
    for trial in (sources.kafka, spark.read_topic):
        with pytest.raises(KafkaRefused, match=denied):
            trial(Trials(clicks.pipeline.env))
    assert denied in clicks.ingest().failure
    assert denied in clicks.pipeline.job("observe_clicks").failure
    assert denied in clicks.fold().log
    assert sealed_at(clicks.pipeline.lake) is None

    topic = Clients(clicks.pipeline.env).click_topic
    admin.create_acls([right(clicks.topic, ACLOperation.DESCRIBE)])
    until(lambda: error(topic) is None, 20, "the topic is shown")
    failure = clicks.ingest().failure
    assert "KafkaRefused" in failure
    assert f"--operation Read --topic '{clicks.topic}'" in failure
    with pytest.raises(KafkaRefused, match="--operation Read"):
        topic.first_delivered(0, [(0, 1)])

    admin.create_acls([right(clicks.topic, ACLOperation.READ)])
    until(lambda: clicks.ingest().failure == "", 30, "the topic is read")
    assert len(clicks.places("clickstream")) == 5
