"""The client of each outside system, made from the environment."""

from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import ANSWER_SECONDS, Hive
from cab_assets.clients.kafka_security import KafkaSecurity
from cab_assets.clients.lake import Lake
from cab_assets.clients.password import given, kept
from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL

DIALECTS = {"postgresql": PostgreSQL, "mysql": MySQL}


def bookings_db(env: Environment) -> BookingsDb:
    """The rides' database; wall clocks are read in the business zone."""
    url = str(env.bookings_db_url)
    password = kept(env.bookings_db_secret) if env.bookings_db_secret else given(env.bookings_db_password or "")
    return BookingsDb(DIALECTS[url.partition(":")[0]](url, password, env.timezone.key, env.bookings_db_ca), env.bookings_table)


def click_topic(env: Environment) -> ClickTopic:
    security = KafkaSecurity(env.kafka_security, env.kafka_sasl_mechanism, env.kafka_user, env.kafka_password, env.kafka_ca)
    return ClickTopic(str(env.kafka_bootstrap_servers), env.clickstream_topic, security)


def hive(env: Environment, *, answer_seconds: int = ANSWER_SECONDS) -> Hive:
    return Hive(
        str(env.hive_url),
        env.hive_password,
        ca=env.hive_ca,
        answer_seconds=answer_seconds,
        lake=env.lake_root,
    )


def lake(env: Environment) -> Lake:
    return Lake(str(env.lake_root))


def spark(env: Environment) -> Spark:
    return Spark(env.spark_remote, env.spark_master, env.lake_root)
