"""The clients as Dagster resources, each configured from the environment when a run starts.

The resource page of the Dagster UI shows the configuration as it was when the code location was
loaded, without passwords.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from pyspark.sql import SparkSession

from cab_assets import environment
from cab_assets.clients.hive import ANSWER_TIMEOUT_SECONDS
from cab_assets.clients.password import TRIES
from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment
from cab_assets.launcher import alive
from cab_assets.secrets import without_secrets
from cab_assets.wiring import Clients

# Time-out of HiveServer2 in a sensor tick, which must be short
TICK_TIMEOUT_SECONDS = 5

# Partitions and schedules are fixed when definitions load; the rest is read when a run starts.
CALENDAR = environment.read(os.environ)


class EnvironmentResource(dg.ConfigurableResource[Environment]):
    """The variables with the values that they have when a run starts."""

    servers: str
    timezone: str
    start_date: str

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Environment]:
        """Read the variables, and renew the heartbeat of the run until it ends.

        The heartbeat is here because every run uses this resource until it ends.
        """
        instance, run = context.instance, context.run
        beats = instance and run and not instance.is_ephemeral
        with alive(instance, run.run_id) if beats else nullcontext():  # type: ignore[arg-type, union-attr]
            yield environment.read(os.environ).ready()


class _Client(dg.ConfigurableResource[Any]):
    """One of the environment's clients."""

    environment: dg.ResourceDependency[Environment]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:  # noqa: ARG002
        with self.clients() as clients:
            yield self.of(clients)

    def clients(self) -> Clients:
        return Clients(self.environment, ANSWER_TIMEOUT_SECONDS, secrets=_secrets_manager)

    def of(self, clients: Clients) -> Any:
        raise NotImplementedError


class BookingsDbResource(_Client):
    """The database that holds the bookings: CAB_BOOKINGS_DB_URL."""

    url: str | None
    table: str
    secret: str | None

    def of(self, clients: Clients) -> Any:
        return clients.bookings_db


class ClickTopicResource(_Client):
    """The Kafka topic of clicks: CAB_KAFKA_BOOTSTRAP_SERVERS, CAB_CLICKSTREAM_TOPIC."""

    bootstrap_servers: str | None
    topic: str
    security: str

    def of(self, clients: Clients) -> Any:
        return clients.click_topic


class HiveResource(_Client):
    """HiveServer2: CAB_HIVE_URL."""

    url: str | None

    def of(self, clients: Clients) -> Any:
        return clients.hive


class BriefHiveResource(HiveResource):
    """HiveServer2 for sensors, which must not wait long for an answer."""

    def clients(self) -> Clients:
        return Clients(self.environment, TICK_TIMEOUT_SECONDS)


class LakeResource(_Client):
    """The lake: CAB_LAKE_ROOT."""

    root: str | None

    def of(self, clients: Clients) -> Any:
        return clients.lake


class SparkResource(LazyPySparkResource):
    """Spark: CAB_SPARK_REMOTE or CAB_SPARK_MASTER. dagster_pyspark opens its sessions."""

    environment: dg.ResourceDependency[Environment]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Spark]:  # noqa: ARG002
        yield Clients(self.environment, open_session=_session).spark


def _session(settings: Mapping[str, Any]) -> SparkSession:
    session: SparkSession = LazyPySparkResource(spark_config=dict(settings)).spark_session
    return session


def _secrets_manager() -> Any:
    """Return dagster_aws's client of AWS Secrets Manager."""
    # Imported late: the import takes half a second, and only CAB_BOOKINGS_DB_SECRET needs it
    from dagster_aws.secretsmanager import SecretsManagerResource

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return SecretsManagerResource(max_attempts=TRIES).get_client()


def resources(env: Environment) -> dict[str, Any]:
    """Return the resources by name; assets and sensors use the names for their parameters."""
    variables = EnvironmentResource(
        servers=env.env, timezone=env.timezone.key, start_date=env.start_date.isoformat()
    )
    return {
        "environment": variables,
        "bookings_db": BookingsDbResource(
            environment=variables,
            url=env.bookings_db_url and without_secrets(str(env.bookings_db_url)),
            table=env.bookings_table,
            secret=env.bookings_db_secret,
        ),
        "click_topic": ClickTopicResource(
            environment=variables,
            bootstrap_servers=env.kafka_bootstrap_servers,
            topic=env.clickstream_topic,
            security=env.kafka_security,
        ),
        "hive": HiveResource(environment=variables, url=env.hive_url),
        "hive_in_brief": BriefHiveResource(environment=variables, url=env.hive_url),
        "lake": LakeResource(environment=variables, root=env.lake_root),
        "spark": SparkResource(environment=variables, spark_config=_shown(env)),
    }


def _shown(env: Environment) -> dict[str, Any]:
    """Return the settings of Spark sessions, without tokens."""
    settings = Clients(env).spark.settings
    return {name: without_secrets(str(value)) for name, value in settings.items() if value}


RESOURCES = resources(CALENDAR)
