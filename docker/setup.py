"""Create what a company has already: the topic of clicks, the Hive database, the table of rides."""

import os
from contextlib import closing

from kafka import KafkaAdminClient

from cab_assets import environment
from cab_assets.dev.sample.connect import source_table
from cab_assets.environment import Environment
from cab_assets.wiring import Clients

PARTITIONS = 3  # a topic can be given more at any time: docker/README.md


def make_topic(env: Environment) -> None:
    topic = Clients(env).click_topic
    with closing(
        KafkaAdminClient(bootstrap_servers=topic.servers, **topic.security.for_python())
    ) as admin:
        if topic.name not in admin.list_topics():
            admin.create_topics({topic.name: {"num_partitions": PARTITIONS}})


def make_database(env: Environment) -> None:
    server, _, database = str(env.hive_url).rpartition("/")
    with Clients(env.but(hive_url=f"{server}/default")) as clients:
        clients.hive.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")


def make_rides(env: Environment) -> None:
    with source_table(env):
        pass  # it makes the table when it is opened


if __name__ == "__main__":
    env = environment.read(os.environ).ready()
    for make in (make_topic, make_database, make_rides):
        make(env)
