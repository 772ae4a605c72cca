"""A PostgreSQL with a hot standby, of the embedded stack's own binaries."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from cab_assets.dev.stack import home
from cab_assets.dev.stack.ports import LOOPBACK
from cab_assets.dev.stack.postgres import Postgres, _binary
from cab_assets_tests.patience import until
from cab_assets_tests.processes import free_ports, serving

# Changes win over queries
NO_DELAY = ["--max_standby_streaming_delay=0", "--hot_standby_feedback=off"]


@dataclass(frozen=True)
class Replicated:
    """The primary, and the standby that the pipeline reads."""

    primary: Postgres
    standby: Postgres

    def sql(self, *statements: str) -> None:
        """Change the primary, and wait until the standby shows it."""
        with connected(self.primary) as primary, connected(self.standby) as standby:
            for each in statements:
                primary.execute(each)
            at = primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
            replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            until(
                lambda: (standby.execute(replayed, at).fetchone() or [False])[0],
                30,
                "changes are replayed",
            )

    def on_standby(self, statement: str) -> None:
        with connected(self.standby) as standby:
            standby.execute(statement)


def connected(server: Postgres) -> "psycopg.Connection[Any]":
    return psycopg.connect(
        server.variables()["CAB_BOOKINGS_DB_URL"], password=server.password, autocommit=True
    )


@contextmanager
def replicated(folder: Path) -> Iterator[Replicated]:
    """Both at work until the block ends."""
    ports = free_ports(2)
    primary, standby = (
        made(folder / name, port) for name, port in zip(("primary", "standby"), ports, strict=True)
    )
    primary.prepare()
    with ExitStack() as servers:
        servers.enter_context(working(primary))
        source = f"host={LOOPBACK} port={ports[0]} user=cab password={primary.password}"
        standby.folder.mkdir()
        standby.run(
            [
                _binary("pg_basebackup"),
                f"--pgdata={standby.data}",
                "--checkpoint=fast",
                "--write-recovery-conf",
                f"--dbname={source}",
            ]
        )
        servers.enter_context(working(standby, *NO_DELAY))
        until(lambda: standby.connection_error() is None, 30, "the standby answers")
        yield Replicated(primary, standby)


def made(folder: Path, port: int) -> Postgres:
    home.make(folder)
    (folder / home.PASSWORD).write_text("replicated")
    return Postgres(folder, {"postgres": port}, "replicated")


@contextmanager
def working(server: Postgres, *options: str) -> Iterator[None]:
    with serving(
        [*server.account(), *server.command(), *options], server.ports["postgres"], server.log
    ):
        until(lambda: server.connection_error() is None, 30, "the server answers")
        yield
