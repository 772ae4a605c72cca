"""Open a connection to MySQL, and end the statements of connections."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pymysql

from cab_assets.clients.password import Password
from cab_assets.sources.dialect import CONNECT_SECONDS, LOCK_SECONDS
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.mysql_session import LOCK_LIMIT, SESSION

# Comment at the start of a statement of ConnectorX. The number is that of the connection for which
# ConnectorX reads.
MARK = "/* rows for connection {} */"
OTHER_LOGIN = (
    "Install the packages of requirements.lock. If the user logs in by MariaDB's ed25519, which"
    " ConnectorX does not support, create it with mysql_native_password (IDENTIFIED VIA). Then run"
    " again"
)


def settings() -> list[str]:
    """Return the statements that start every session, of PyMySQL and of ConnectorX."""
    return [*SESSION, LOCK_LIMIT.format(LOCK_SECONDS)]


def connect(address: str, password: Password, ca: Path | None) -> Any:
    """Return a connection with the settings of every session.

    Raise BookingsDbRefused for a login method that PyMySQL or ConnectorX does not support.
    """
    try:
        connection = _connect(address, password, ca)
    # PyMySQL raises it if the login needs a package that is not installed
    except RuntimeError as error:
        raise BookingsDbRefused(f"{address}: {error}. {OTHER_LOGIN}") from error
    with connection.cursor() as cursor:
        for statement in settings():
            cursor.execute(statement)
    return connection


def _connect(address: str, password: Password, ca: Path | None) -> Any:
    parts = urlparse(address)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        # As bytes: PyMySQL would encode text as Latin 1
        password=password.text.encode(),
        database=parts.path.strip("/"),
        connect_timeout=CONNECT_SECONDS,
        # Of the login only, see below
        read_timeout=CONNECT_SECONDS,
        charset="utf8mb4",
        autocommit=True,
        ssl_ca=str(ca) if ca else None,
        ssl_verify_cert=ca is not None,
        ssl_verify_identity=ca is not None,
    )
    # PyMySQL has no other way to limit the login alone: a server can accept and say nothing
    connection._read_timeout = None
    return connection


def kill(connection: Any, number: int) -> None:
    """End connection `number`, and those whose statement has its MARK."""
    found = (
        "SELECT id FROM information_schema.processlist WHERE id = %s OR info LIKE %s AND id <>"
        " connection_id()"
    )
    with connection.cursor() as cursor:
        cursor.execute(found, (number, f"{MARK.format(number)}%"))
        for (each,) in cursor.fetchall():
            cursor.execute(f"KILL {each}")
