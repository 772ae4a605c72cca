"""The clients of kafka-python, and the conversion of their errors to the pipeline's errors."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownBrokerIdError

from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.errors import CabError, Unavailable

# Time-out of a request. A broker that is up answers in 0.03 s, and a sensor must not wait for long.
ANSWER_TIMEOUT_SECONDS = 4
# A line of kafka-python's log
CONNECTION_FAILED = re.compile(r"connection to \S+ failed: (.*)", re.DOTALL)
# kafka-python logs this too if a broker rejects the login and closes the connection at once
HUNG_UP = "socket disconnected"


class KafkaUnavailable(Unavailable):
    """No broker answers in time."""


class KafkaRefused(CabError):
    """A broker rejects the credentials, denies access to a topic, or is not trusted."""


class KafkaFailed(CabError):
    """A broker answers with an error, or its answer cannot be read."""


class _Client:
    """A Kafka client that ends its thread even if no broker answers.

    kafka-python would leave the thread running, one for each tick of a sensor.
    """

    _client: Any
    _net: Any

    def __init__(self, servers: str, security: KafkaSecurity, **config: Any) -> None:
        try:
            super().__init__(
                bootstrap_servers=servers,
                bootstrap_timeout_ms=ANSWER_TIMEOUT_SECONDS * 1000,
                **security.for_python(),
                **config,
            )  # type: ignore[call-arg]
        except KafkaError:
            self._client.close()
            self._net.stop()
            raise


# kafka-python has no types
class Admin(_Client, KafkaAdminClient):  # type: ignore[misc]
    """Client for requests about topics."""


class Reader(_Client, KafkaConsumer):  # type: ignore[misc]
    """Client that reads records of a topic."""


@contextmanager
def answering(servers: str, security: KafkaSecurity) -> Iterator[None]:
    """Raise KafkaRefused, KafkaFailed or KafkaUnavailable for kafka-python's errors."""
    with _told() as reasons:
        try:
            yield
        except (KafkaError, TimeoutError, OSError) as error:
            raise _named(error, reasons, servers, security) from error


def _named(error: Exception, reasons: list[str], servers: str, security: KafkaSecurity) -> CabError:
    if refused := _refused(reasons, servers, security):
        return refused
    if isinstance(error, TopicAuthorizationFailedError):
        return _denied(", ".join(error.args[0]), servers, security.user or "ANONYMOUS")
    # kafka-python raises UnknownBrokerIdError if a connection is lost while it looks up the brokers
    if getattr(error, "retriable", True) or isinstance(error, UnknownBrokerIdError):
        return KafkaUnavailable(
            f"Kafka at {servers} does not answer ({error}); see `cab doctor`, then run again"
        )
    said = f"Kafka at {servers} answers with an error or with data that cannot be read: {error}"
    return KafkaFailed(
        f"{said}. See `cab doctor`; if a library is missing, install it from requirements.lock"
    )


def _denied(topic: str, servers: str, user: str) -> KafkaRefused:
    """Return the error for a user without the right to a topic, with the command that grants it.

    The right Read includes Describe.
    """
    grant = f"--add --allow-principal 'User:{user}' --operation Read --topic '{topic}'"
    return KafkaRefused(
        f"Kafka at {servers} does not allow {user} to describe or read topic {topic}; if the topic"
        f" exists, grant it: `kafka-acls --bootstrap-server {servers} {grant}`"
    )


def _refused(reasons: list[str], servers: str, security: KafkaSecurity) -> KafkaRefused | None:
    causes = [found[1] for reason in reasons if (found := CONNECTION_FAILED.search(reason))]
    hung_up = bool(causes) and all(HUNG_UP in cause for cause in causes)
    if any("SaslAuthenticationFailed" in cause for cause in causes) or (security.user and hung_up):
        user = f"{security.user} ({security.mechanism})"
        rejected = f"Kafka at {servers} rejected the login of user {user}"
        return KafkaRefused(
            f"{rejected}; check CAB_KAFKA_USER, CAB_KAFKA_PASSWORD and CAB_KAFKA_SASL_MECHANISM"
        )
    if any("CERTIFICATE_VERIFY_FAILED" in cause for cause in causes):
        trusted = security.ca or "the authorities of this machine"
        return KafkaRefused(
            f"the certificate of Kafka at {servers} is not trusted by {trusted}, or is for another"
            " host name; check CAB_KAFKA_CA and CAB_KAFKA_BOOTSTRAP_SERVERS"
        )
    return None


class _Told(logging.Handler):
    """Log handler that keeps the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.reasons.append(record.getMessage())


@contextmanager
def _told() -> Iterator[list[str]]:
    """Collect the connection errors that kafka-python logs: its exception only says `timeout`."""
    handler, logger = _Told(), logging.getLogger("kafka.net.manager")
    logger.addHandler(handler)
    try:
        yield handler.reasons
    finally:
        logger.removeHandler(handler)
