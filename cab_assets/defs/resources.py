"""The clients that assets are given, each made from the environment when a run starts."""

import os
from collections.abc import Iterator
from contextlib import closing

import dagster as dg

from cab_assets import environment
from cab_assets.environment import Environment
from cab_assets.launcher import PROCESS_TAG, here
from cab_assets.resources.bookings_db import BookingsDb
from cab_assets.resources.click_topic import ClickTopic
from cab_assets.resources.connect import bookings_db
from cab_assets.resources.hive import Hive
from cab_assets.resources.lake import Lake
from cab_assets.resources.spark import Spark

TICK_ANSWER_SECONDS = 5

CALENDAR = environment.read(os.environ)  # partitions and schedules are fixed when definitions load; the rest is read when a run starts


@dg.resource(description="The variables in force, read when the run started")
def _environment(context: dg.InitResourceContext) -> Environment:
    """Every run of ours needs it, so it is also where a run says which process it is."""
    if context.instance and context.run and not context.instance.is_ephemeral:
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: here(context.run.run_id)})
    return environment.read(os.environ).ready()


@dg.resource(required_resource_keys={"environment"}, description="The rides' database: CAB_BOOKINGS_DB_URL")
def _bookings_db(context: dg.InitResourceContext) -> BookingsDb:
    env: Environment = context.resources.environment
    return bookings_db(str(env.bookings_db_url), env.bookings_db_password, env.bookings_table, env.timezone.key)


@dg.resource(required_resource_keys={"environment"}, description="The topic of clicks: CAB_KAFKA_BOOTSTRAP_SERVERS, CAB_CLICKSTREAM_TOPIC")
def _click_topic(context: dg.InitResourceContext) -> ClickTopic:
    env: Environment = context.resources.environment
    return ClickTopic(str(env.kafka_bootstrap_servers), env.clickstream_topic)


@dg.resource(required_resource_keys={"environment"}, description="HiveServer2: CAB_HIVE_URL")
def _hive(context: dg.InitResourceContext) -> Iterator[Hive]:
    env: Environment = context.resources.environment
    with closing(Hive(str(env.hive_url), env.hive_password)) as hive:
        yield hive


@dg.resource(required_resource_keys={"environment"}, description="HiveServer2 for sensors, which must not wait for it for long")
def _hive_in_brief(context: dg.InitResourceContext) -> Iterator[Hive]:
    env: Environment = context.resources.environment
    with closing(Hive(str(env.hive_url), env.hive_password, answer_seconds=TICK_ANSWER_SECONDS)) as hive:
        yield hive


@dg.resource(required_resource_keys={"environment"}, description="The lake: CAB_LAKE_ROOT")
def _lake(context: dg.InitResourceContext) -> Lake:
    return Lake(context.resources.environment.lake_root)


@dg.resource(required_resource_keys={"environment"}, description="Spark: CAB_SPARK_REMOTE or CAB_SPARK_MASTER")
def _spark(context: dg.InitResourceContext) -> Spark:
    env: Environment = context.resources.environment
    return Spark(env.spark_remote, env.spark_master)


@dg.definitions
def resources() -> dg.Definitions:
    clients = {
        "environment": _environment,
        "bookings_db": _bookings_db,
        "click_topic": _click_topic,
        "hive": _hive,
        "hive_in_brief": _hive_in_brief,
        "lake": _lake,
        "spark": _spark,
    }
    return dg.Definitions(resources=clients, executor=dg.in_process_executor)
