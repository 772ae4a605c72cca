"""A MariaDB replica as the source, which says whether it applies what its primary changes."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pymysql
import pytest

from cab_assets import environment
from cab_assets.sources import mysql_replica
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import ReplicaBehind
from cab_assets.wiring import Clients
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.databases import mariadb as serving_mariadb
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.patience import until
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY, TABLE = date(2020, 1, 2), "replicated"
MONITOR = "GRANT REPLICA MONITOR ON *.* TO cab@'%'"


@dataclass(frozen=True)
class Replica:
    server: Database
    db: BookingsDb

    def admin(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        return admin(self.server, statement)

    def rows(self) -> int:
        with self.db.day(DAY) as day:
            return day.control_totals().fingerprint.rows


def admin(server: Database, statement: str) -> tuple[tuple[Any, ...], ...]:
    with (
        closing(
            pymysql.connect(host="127.0.0.1", port=server.port, user="root", autocommit=True)
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return tuple(cursor.fetchall())


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-primary-") as one,
        tempfile.TemporaryDirectory(prefix="cab-replica-") as two,
        serving_mariadb(Path(one), "--log-bin", "--server-id=1") as primary,
        serving_mariadb(Path(two), "--server-id=2") as second,
    ):
        file, position, *_ = admin(primary, "SHOW MASTER STATUS")[0]
        admin(
            second,
            f"CHANGE MASTER TO master_host='127.0.0.1', master_port={primary.port},"
            f" master_user='root', master_ssl=0, master_log_file='{file}',"
            f" master_log_pos={position}",
        )
        admin(second, MONITOR)
        admin(second, "START REPLICA")
        new_rides(primary, TABLE, tmp_path).insert(ride("BK1", f"{DAY} 10:00:00"))
        count = f"SELECT count(*) FROM information_schema.tables WHERE table_name = '{TABLE}'"
        until(lambda: admin(second, count) == ((1,),), 30, "the table is there")
        variables = {"CAB_HOME": str(tmp_path), "CAB_BOOKINGS_TABLE": TABLE, **second.variables}
        made = Replica(second, Clients(environment.read(variables)).bookings_db)
        until(lambda: made.rows() == 1, 30, "the change is applied")
        yield made


def test_a_replica_that_does_not_apply_changes_is_named_to_a_user_who_may_see_it(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica.admin("STOP REPLICA SQL_THREAD")
    with pytest.raises(ReplicaBehind, match=r"does not apply changes.* START REPLICA"):
        replica.rows()
    replica.admin(MONITOR.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
    assert replica.rows() == 1
    replica.admin(MONITOR)
    replica.admin("START REPLICA")
    until(lambda: "Yes" in replica.admin("SHOW REPLICA STATUS")[0][10:12], 30, "it receives")
    monkeypatch.setattr(mysql_replica, "BEHIND_SECONDS", -1)
    with pytest.raises(ReplicaBehind, match="0 s behind its primary"):
        replica.rows()
