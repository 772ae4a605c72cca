"""Rides in a MariaDB and a lake of a test's own, without Hive or Spark."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pymysql

from cab_assets import environment
from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.dev.sample.connect import source_table
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.manifest import Manifest
from cab_assets.wiring import Clients
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.versions import bookings_day

END = date(2021, 1, 1)


@dataclass(frozen=True)
class Rides:
    """A table of bookings, filled by an administrator and read by the pipeline's user."""

    env: Environment
    port: int
    lake: Lake

    @property
    def db(self) -> BookingsDb:
        return Clients(self.env).bookings_db

    def admin(self, statement: str, *values: Any) -> None:
        """Execute with the settings of a usual client; `{table}` is the table of bookings."""
        login: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "root",
            "database": "rides",
        }
        login |= {"charset": "utf8mb4", "autocommit": True}
        with closing(pymysql.connect(**login)) as connection, connection.cursor() as cursor:
            cursor.execute(statement.replace("{table}", self.env.bookings_table), values or None)

    def insert(self, *rides: Mapping[str, Any]) -> None:
        for each in rides:
            marks = ", ".join(["%s"] * len(each))
            self.admin(
                f"INSERT INTO {{table}} ({', '.join(each)}) VALUES ({marks})", *each.values()
            )

    def run(self, day: str) -> Manifest:
        return import_day(self.db, bookings_day(self.lake, day), "run").manifest

    def rows(self, manifest: Manifest) -> dict[str, dict[str, Any]]:
        """Return the rows of a version by booking_id."""
        folder = bookings_day(self.lake, manifest.day).folder(manifest.version)
        read = pq.read_table(f"{folder}/{manifest.files[0].name}", filesystem=self.lake.files)
        return {row["booking_id"]: row for row in read.to_pylist()}

    def seen(self) -> dict[str, Fingerprint]:
        """Return the fingerprints of all days of the year 2020."""
        return self.db.fingerprints(self.env.start_date, END, hashed=True, seconds=10)

    @property
    def without_a_day(self) -> int:
        return self.db.rows_without_a_day(self.env.start_date, seconds=10)


def rides(database: Database, table: str, folder: Path, **variables: str) -> Rides:
    """Return an empty table of bookings."""
    given = {
        "CAB_HOME": str(folder),
        "CAB_BOOKINGS_TABLE": table,
        **database.variables,
        **variables,
    }
    env = environment.read(given)
    with source_table(env):
        pass
    lake = folder / "lake"
    lake.mkdir()
    return Rides(env, database.port, Lake(f"file://{lake}"))
