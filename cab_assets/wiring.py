"""The client of each server, configured from the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any

from pyspark.sql import SparkSession

from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import ANSWER_TIMEOUT_SECONDS, Hive
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.clients.lake import Lake
from cab_assets.clients.password import given, kept, secrets_manager
from cab_assets.clients.spark import Spark, new_session
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL

DIALECTS = {"postgresql": PostgreSQL, "mysql": MySQL}


@dataclass(frozen=True)
class Clients:
    """The clients of one environment. Each is created when it is first used.

    `close` disconnects from HiveServer2. `hive_seconds` is the time-out of a statement there.
    `open_session` and `secrets` are replaceable: Dagster's resources use Dagster's integrations.
    """

    env: Environment
    hive_seconds: int = ANSWER_TIMEOUT_SECONDS
    open_session: Callable[[Mapping[str, Any]], SparkSession] = new_session
    secrets: Callable[[], Any] = secrets_manager

    @cached_property
    def bookings_db(self) -> BookingsDb:
        """The source database; its local timestamps are in the business time zone."""
        env, url = self.env, str(self.env.bookings_db_url)
        secret, password = env.bookings_db_secret, env.bookings_db_password
        dialect = DIALECTS[url.partition(":")[0]]
        source = dialect(
            url,
            kept(secret, self.secrets) if secret else given(password or ""),
            env.timezone.key,
            env.bookings_db_ca,
        )
        return BookingsDb(source, env.bookings_table)

    @cached_property
    def click_topic(self) -> ClickTopic:
        env = self.env
        security = KafkaSecurity(
            env.kafka_security,
            env.kafka_sasl_mechanism,
            env.kafka_user,
            env.kafka_password,
            env.kafka_ca,
        )
        return ClickTopic(str(env.kafka_bootstrap_servers), env.clickstream_topic, security)

    @cached_property
    def hive(self) -> Hive:
        env = self.env
        return Hive(
            str(env.hive_url),
            env.hive_password,
            ca=env.hive_ca,
            answer_seconds=self.hive_seconds,
            lake=env.lake_root,
        )

    @cached_property
    def lake(self) -> Lake:
        return Lake(str(self.env.lake_root))

    @cached_property
    def spark(self) -> Spark:
        env = self.env
        return Spark(env.spark_remote, env.spark_master, env.lake_root, self.open_session)

    def close(self) -> None:
        if "hive" in self.__dict__:
            self.hive.close()

    def __enter__(self) -> "Clients":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
