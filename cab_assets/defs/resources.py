"""The clients that assets are given, each made from the environment when a run starts."""

import os
from collections.abc import Iterator
from contextlib import nullcontext

import dagster as dg

from cab_assets import environment
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import ANSWER_SECONDS, Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment
from cab_assets.launcher import alive
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.wiring import Clients

TICK_ANSWER_SECONDS = 5

CALENDAR = environment.read(os.environ)  # partitions and schedules are fixed when definitions load; the rest is read when a run starts


@dg.resource(description="The variables in force, read when the run started")
def _environment(context: dg.InitResourceContext) -> Iterator[Environment]:
    """Every run of ours needs it as long as it lasts, so it is also where a run says that it is alive."""
    instance, run = context.instance, context.run
    with alive(instance, run.run_id) if instance and run and not instance.is_ephemeral else nullcontext():
        yield environment.read(os.environ).ready()


@dg.resource(required_resource_keys={"environment"}, description="The rides' database: CAB_BOOKINGS_DB_URL")
def _bookings_db(context: dg.InitResourceContext) -> BookingsDb:
    return Clients(context.resources.environment).bookings_db


@dg.resource(required_resource_keys={"environment"}, description="The topic of clicks: CAB_KAFKA_BOOTSTRAP_SERVERS, CAB_CLICKSTREAM_TOPIC")
def _click_topic(context: dg.InitResourceContext) -> ClickTopic:
    return Clients(context.resources.environment).click_topic


@dg.resource(required_resource_keys={"environment"}, description="HiveServer2: CAB_HIVE_URL")
def _hive(context: dg.InitResourceContext) -> Iterator[Hive]:
    with Clients(context.resources.environment, ANSWER_SECONDS) as clients:
        yield clients.hive


@dg.resource(required_resource_keys={"environment"}, description="HiveServer2 for sensors, which must not wait for it for long")
def _hive_in_brief(context: dg.InitResourceContext) -> Iterator[Hive]:
    with Clients(context.resources.environment, TICK_ANSWER_SECONDS) as clients:
        yield clients.hive


@dg.resource(required_resource_keys={"environment"}, description="The lake: CAB_LAKE_ROOT")
def _lake(context: dg.InitResourceContext) -> Lake:
    return Clients(context.resources.environment).lake


@dg.resource(required_resource_keys={"environment"}, description="Spark: CAB_SPARK_REMOTE or CAB_SPARK_MASTER")
def _spark(context: dg.InitResourceContext) -> Spark:
    return Clients(context.resources.environment).spark


RESOURCES = {
    "environment": _environment,
    "bookings_db": _bookings_db,
    "click_topic": _click_topic,
    "hive": _hive,
    "hive_in_brief": _hive_in_brief,
    "lake": _lake,
    "spark": _spark,
}
