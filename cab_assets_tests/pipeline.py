"""The whole pipeline on a source table, a Hive database and a lake of a test's own, on the
session's servers.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from cab_assets.clients.hive import ANSWER_TIMEOUT_SECONDS, Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.declarations import Table
from cab_assets.environment import Environment
from cab_assets.settings import CHECKOUT
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets.store.manifest import Manifest
from cab_assets.store.table_store import TableStore
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.wiring import Clients
from cab_assets_tests.patience import patience
from cab_assets_tests.rides import NO_TIME

Row = tuple[Any, ...]
FIRST, LAST, DAY = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)
ASSETS = ("raw_bookings", "bookings", "booking_aggregates")
TABLES = (BOOKINGS, BOOKING_AGGREGATES)


# How the error of a run goes on after "2 of 3 days "
FAILED = (
    "failed. The new version of what failed was not published; the previous version, if there is"
    " one, stays visible:\n"
)


def tags(first: str, last: str | None = None) -> dict[str, str]:
    return {DAY: first} if last is None else {FIRST: first, LAST: last}


def execute(job: str, tags: Mapping[str, str]) -> list[str]:
    """Return the command of a run in a process of its own, as the README shows it."""
    run = ["dagster", "job", "execute", "-m", "cab_assets.definitions", "-j", job]
    return [sys.executable, "-m", *run, *(["--tags", json.dumps(tags)] if tags else [])]


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run_id: str
    success: bool
    failure: str  # what the run's last words were
    log: str
    materialized: set[tuple[str, str]]  # asset and day
    metadata: dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Words:
    """What a test says otherwise to another database."""

    day: str  # of a pickup
    drop: str  # a drop time that is one
    no_time: str

    def expected(self, table: Table, days: Iterable[str]) -> str:
        """The rows that `table` should hold."""
        within = f"FROM {{table}} WHERE {self.day} IN ({_quoted(days)})"
        if table is BOOKINGS:
            columns = ", ".join(
                self.drop if name == "drop_timestamp" else name for name in BOOKINGS.names
            )
            return f"SELECT {columns}, {self.day} {within}"
        figures = (
            "count(*), sum(trip_fare), max(tip_amount), sum(tip_amount), round(avg(trip_fare), 6)"
        )
        return (
            f"SELECT currency_code, {figures}, {self.day} {within} GROUP BY currency_code,"
            f" {self.day}"
        )


WORDS: dict[type, Words] = {
    PostgreSQL: Words(
        "to_char(pickup_timestamp, 'YYYY-MM-DD')",
        "CASE WHEN isfinite(drop_timestamp) THEN drop_timestamp END",
        "infinity",
    ),
    MySQL: Words(
        "cast(cast(pickup_timestamp AS date) AS char)",
        "nullif(drop_timestamp, '0000-00-00 00:00:00')",
        "0000-00-00 00:00:00",
    ),
}


@dataclass(frozen=True)
class Pipeline:
    env: Environment
    instance: dg.DagsterInstance
    variables: Mapping[str, str]

    @property
    def table(self) -> str:
        return self.env.bookings_table

    @cached_property
    def hive(self) -> Hive:
        return Hive(str(self.env.hive_url), answer_seconds=int(patience(ANSWER_TIMEOUT_SECONDS)))

    @cached_property
    def lake(self) -> Lake:
        return Lake(str(self.env.lake_root))

    @cached_property
    def spark(self) -> Spark:
        return Spark(self.env.spark_remote, None)

    @cached_property
    def db(self) -> BookingsDb:
        return Clients(self.env).bookings_db

    @property
    def words(self) -> Words:
        return WORDS[type(self.db.dialect)]

    def sql(self, statement: str, *values: Any) -> list[Row]:
        """Of the source; `{table}` is its table of bookings."""
        with self.db.cursor() as cursor:
            cursor.execute(statement.replace("{table}", self.table), values or None)
            cursor.connection.commit()
            return list(cursor.fetchall()) if cursor.description else []

    def insert(self, *rides: Mapping[str, Any]) -> None:
        for each in rides:
            values = (self.words.no_time if value is NO_TIME else value for value in each.values())
            self.sql(
                f"INSERT INTO {{table}} ({', '.join(each)}) VALUES"
                f" ({', '.join(['%s'] * len(each))})",
                *values,
            )

    def run(
        self,
        first: str,
        last: str | None = None,
        *,
        assets: Iterable[str] = ASSETS,
        run_id: str | None = None,
        more_tags: Mapping[str, str] | None = None,
    ) -> Outcome:
        """The real job over one day or a range of days, in this process."""
        from cab_assets.definitions import defs

        result = (
            defs()
            .resolve_job_def("bookings_daily")
            .execute_in_process(
                instance=self.instance,
                tags={**tags(first, last), **(more_tags or {})},
                partition_key=first if last is None else None,
                asset_selection=[dg.AssetKey(name) for name in assets],
                run_id=run_id,
                raise_on_error=False,
            )
        )
        return self.outcome(result.run_id, success=result.success)

    def job(self, name: str, config: Mapping[str, Any] | None = None) -> Outcome:
        """Another job, in this process."""
        from cab_assets.definitions import defs

        result = (
            defs()
            .resolve_job_def(name)
            .execute_in_process(instance=self.instance, run_config=config, raise_on_error=False)
        )
        return self.outcome(result.run_id, success=result.success)

    def outcome(self, run_id: str, *, success: bool) -> Outcome:
        entries = self.instance.all_logs(run_id)
        events = [entry.dagster_event for entry in entries if entry.dagster_event]
        made = [
            event.step_materialization_data.materialization
            for event in events
            if event.is_step_materialization
        ]
        by_key = {
            (each.asset_key.path[-1], str(each.partition)): {
                name: value.value for name, value in each.metadata.items()
            }
            for each in made
        }
        ends = [event.step_failure_data for event in events if event.is_step_failure]
        said = [
            each.user_failure_data.description if each.user_failure_data else _causes(each.error)
            for each in ends
        ]
        said += [
            _causes(event.engine_event_data.error)
            for event in events
            if event.is_resource_init_failure
        ]
        log = "\n".join(f"{entry.message} {entry.error_info or ''}" for entry in entries)
        return Outcome(
            run_id, success, "\n".join(str(each) for each in said), log, set(by_key), by_key
        )

    def execute(
        self, first: str, last: str | None = None, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """`dagster job execute` in a process of its own."""
        return subprocess.run(
            self.command(first, last),
            env=self.environ(**variables),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=patience(240),
        )

    def command(self, first: str, last: str | None = None) -> list[str]:
        return execute("bookings_daily", tags(first, last))

    def environ(self, **variables: str) -> dict[str, str]:
        # Of pyspark, too, which notes there that this process uses Connect
        others = ("CAB_", "DAGSTER_", "SPARK_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return kept | dict(self.variables) | variables

    def store(self, table: Table) -> TableStore:
        return TableStore(table, self.lake, self.hive)

    def manifests(self, table: Table, *days: str) -> dict[str, Manifest]:
        return self.store(table).published(days)

    def versions(self, table: Table, day: str) -> list[str]:
        return sorted(self.store(table).day(day).version_ids())

    def in_hive(self, table: Table, *days: str) -> list[Row]:
        """The rows of days, the day last in each."""
        columns = ", ".join([*table.names, table.partition_column])
        return ordered(
            self.hive.execute(
                f"SELECT {columns} FROM {self.hive.name(table.name)} WHERE {table.partition_column}"
                f" IN ({_quoted(days)})"
            )
        )

    def in_spark(self, table: Table, *days: str) -> list[Row]:
        with self.spark.session() as session:
            named = session.table(f"{self.hive.database}.{table.name}").where(
                f"{table.partition_column} IN ({_quoted(days)})"
            )
            rows = named.select(*table.names, table.partition_column).toArrow()
        return ordered(tuple(_plain(value) for value in row.values()) for row in rows.to_pylist())

    def in_source(self, table: Table, *days: str) -> list[Row]:
        """What `table` should hold, by SQL that shares nothing with ours."""
        return ordered(self.sql(self.words.expected(table, days)))

    def is_like_source(self, *days: str) -> None:
        for table in TABLES:
            assert self.in_hive(table, *days) == self.in_source(table, *days)


def _quoted(days: Iterable[str]) -> str:
    return ", ".join(f"'{day}'" for day in days)


def _causes(error: SerializableErrorInfo | None) -> str:
    return f"{error.message}{_causes(error.cause)}" if error else ""


def ordered(rows: Iterable[Row]) -> list[Row]:
    return sorted(
        (tuple(row) for row in rows),
        key=lambda row: [(value is None, str(value)) for value in (row[-1], *row[:2])],
    )


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
