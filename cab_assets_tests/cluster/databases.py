"""Databases that want TLS and a password: MariaDB for MySQL's protocol, and PostgreSQL, whose wheel
has no TLS.
"""

import os
import pwd
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import trustme

from cab_assets_tests.cluster.debian import program
from cab_assets_tests.patience import until
from cab_assets_tests.processes import free_ports, run, serving

PASSWORD = "p a+s%20/@:?#é$'"  # what has a meaning in a URL or a statement
KOLKATA = [  # what `mariadb-tzinfo-to-sql` would say of all zones at once, in half a minute
    "INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (1, 'N')",
    "INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('Asia/Kolkata', 1)",
    (
        "INSERT INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`,"
        " Is_DST, Abbreviation) VALUES (1, 0, 19800, 0, 'IST')"
    ),
]
NOBODY = "nobody"  # both refuse to serve as root


@dataclass(frozen=True)
class Database:
    """Of rides, for user `cab`."""

    scheme: str
    port: int
    ca: Path

    @property
    def variables(self) -> Mapping[str, str]:
        url = f"{self.scheme}://cab@127.0.0.1:{self.port}/rides"
        return {
            "CAB_BOOKINGS_DB_URL": url,
            "CAB_BOOKINGS_DB_PASSWORD": PASSWORD,
            "CAB_BOOKINGS_DB_CA": str(self.ca),
        }


@dataclass(frozen=True)
class Certificates:
    ca: Path
    key: Path
    chain: Path


def certificates(folder: Path) -> Certificates:
    """For 127.0.0.1; the key readable by the servers' user alone."""
    made = Certificates(folder / "ca.pem", folder / "server.key", folder / "server.pem")
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    authority.cert_pem.write_to_path(str(made.ca))
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    issued.private_key_pem.write_to_path(str(made.key))
    made.key.chmod(0o600)
    for number, each in enumerate(issued.cert_chain_pems):
        each.write_to_path(str(made.chain), append=number > 0)
    return made


@contextmanager
def mariadb(folder: Path, *options: str) -> Iterator[Database]:
    """At work until the block ends."""
    server, install = (
        program("mariadbd", "mariadb-server"),
        program("mariadb-install-db", "mariadb-server"),
    )
    tls, data, (port,) = certificates(folder), folder / "data", free_ports(1)
    own(folder)
    as_nobody(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
    )
    command = [
        server,
        "--no-defaults",
        f"--datadir={data}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder}/socket",
        "--skip-name-resolve",
    ]
    command += [f"--ssl-ca={tls.ca}", f"--ssl-cert={tls.chain}", f"--ssl-key={tls.key}", *options]
    with serving(command, port, folder / "log", **less_than_root()):
        with (
            pymysql.connect(host="127.0.0.1", port=port, user="root") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("CREATE DATABASE rides")
            for statement in KOLKATA:
                cursor.execute(statement)
            cursor.execute("CREATE USER cab@'%%' IDENTIFIED BY %s REQUIRE SSL", (PASSWORD,))
            cursor.execute("GRANT ALL ON rides.* TO cab@'%'")
        yield Database("mysql", port, tls.ca)


@contextmanager
def postgresql(folder: Path) -> Iterator[Database]:
    """At work until the block ends."""
    package = "postgresql"
    server, initdb = program("postgres", package), program("initdb", package)
    tls, data, (port,) = certificates(folder), folder / "data", free_ports(1)
    own(folder)
    as_nobody(
        [
            initdb,
            f"--pgdata={data}",
            "--username=postgres",
            "--auth-local=reject",
            "--auth-host=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
    )
    command = [
        server,
        "-D",
        str(data),
        "-p",
        str(port),
        "-k",
        "",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "fsync=off",
    ]
    command += ["-c", "ssl=on", "-c", f"ssl_cert_file={tls.chain}", "-c", f"ssl_key_file={tls.key}"]
    with serving(command, port, folder / "log", **less_than_root()):
        address = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        with until(lambda: let_in(address), 30)[0] as connection:
            connection.execute(
                "CREATE ROLE cab LOGIN PASSWORD '" + PASSWORD.replace("'", "''") + "'"
            )
            connection.execute("CREATE DATABASE rides OWNER cab")
            (data / "pg_hba.conf").write_text("hostssl all cab all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")
        yield Database("postgresql", port, tls.ca)


def let_in(address: str) -> list["psycopg.Connection[Any]"]:
    """Return a connection, or none while the server, which listens already, is still starting."""
    with suppress(psycopg.OperationalError):
        return [psycopg.connect(address, autocommit=True)]
    return []


def own(folder: Path) -> None:
    """Give the folder to whom the servers run as."""
    if os.geteuid() == 0:
        for path in [folder, *folder.iterdir()]:
            shutil.chown(path, NOBODY)


def as_nobody(command: list[str]) -> None:
    run(command, **less_than_root())


def less_than_root() -> dict[str, Any]:
    return (
        {"user": pwd.getpwnam(NOBODY).pw_uid, "group": pwd.getpwnam(NOBODY).pw_gid}
        if os.geteuid() == 0
        else {}
    )
