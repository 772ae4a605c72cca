"""Trying every connection, one line each: what works, and what to do about what does not."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import fields

from cab_assets import clients
from cab_assets.environment import BadEnvironment, Environment, name_of
from cab_assets.errors import CabError


def settings(env: Environment) -> Iterator[str]:
    """Every variable with its value in force, secrets masked."""
    for field in fields(Environment):
        value = getattr(env, field.name)
        shown = "(not set)" if value is None else "…" if field.metadata["secret"] else value
        yield f"{name_of(field)}={shown}"


def examine(env: Environment, report: Callable[[str], None]) -> bool:
    """Report one line for each part; whether all of them work."""
    try:
        env.ready()
    except BadEnvironment as error:
        report(f"FAIL  settings  {error}")
        return False
    tried = [_try(name, part, env, report) for name, part in PARTS.items()]
    return all(tried)


def _try(name: str, part: Callable[[Environment], str], env: Environment, report: Callable[[str], None]) -> bool:
    try:
        report(f"ok    {name:<12}  {part(env)}")
    except CabError as error:
        report(f"FAIL  {name:<12}  {error}")
        return False
    return True


def _bookings_db(env: Environment) -> str:
    db = clients.bookings_db(env)
    lost = db.rows_without_a_day(env.start_date, seconds=env.statement_seconds)
    return f"{env.bookings_db_url}: table {env.bookings_table} has every column we import" + (f"; {lost} rows belong to no day" if lost else "")


def _kafka(env: Environment) -> str:
    topic = clients.click_topic(env).look()
    held = sum(topic.ends.values()) - sum(topic.begins.values())
    return f"{env.kafka_bootstrap_servers}: topic {env.clickstream_topic} holds {held:,} records in {len(topic.ends)} partitions"


def _lake(env: Environment) -> str:
    lake, path = clients.lake(env), f"_doctor-{uuid.uuid4()}"
    lake.write(path, b"written")
    content = lake.read(path)
    lake.files.delete_file(path)
    return f"{env.lake_root}: {len(content)} bytes written, read and deleted"


def _hive(env: Environment) -> str:
    tables = clients.hive(env).execute("SHOW TABLES")
    return f"{env.hive_url}: {len(tables)} tables"


def _spark(env: Environment) -> str:
    with clients.spark(env).session() as session:
        return f"{env.spark_remote or env.spark_master}: Spark {session.version} counts to {session.range(3).count()}"


PARTS = {"bookings db": _bookings_db, "kafka": _kafka, "lake": _lake, "hive": _hive, "spark": _spark}
