"""Logins of MySQL 8's caching_sha2_password without TLS, at a server that asks for the whole
password.
"""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime

import pymysql
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cab_assets.clients.password import given
from cab_assets.errors import CabError
from cab_assets.sources.connectorx_rows import read
from cab_assets.sources.dialect import Snapshot
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.row_processes import RowProcesses
from cab_assets_tests.patience import patience

PASSWORD = "pässword"
SALT = b"abcdefghijklmnopqrst"
CAPABILITIES = 0x2BA20D  # protocol 4.1, a database, transactions, named plugins
FULL, OK = b"\x01\x04", b"\x00\x00\x00\x02\x00\x00\x00"


def greeting() -> bytes:
    lower, upper = CAPABILITIES.to_bytes(4, "little")[:2], CAPABILITIES.to_bytes(4, "little")[2:]
    head = (
        b"\x0a8.0.36\x00"
        + (7).to_bytes(4, "little")
        + SALT[:8]
        + b"\x00"
        + lower
        + b"\xff\x02\x00"
        + upper
    )
    return head + b"\x15" + bytes(10) + SALT[8:] + b"\x00caching_sha2_password\x00"


def send(client: socket.socket, number: int, packet: bytes) -> None:
    client.sendall(len(packet).to_bytes(3, "little") + bytes([number]) + packet)


def receive(client: socket.socket) -> bytes:
    head = client.recv(4, socket.MSG_WAITALL)
    return client.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL)


def served(server: socket.socket) -> str:
    """Return the password that a client gives for the server's key.

    Agree to all that it says then.
    """
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    client, _ = server.accept()
    with closing(client):
        send(client, 0, greeting())
        receive(client)
        send(client, 2, FULL)
        assert receive(client) == b"\x02"  # asks for the key
        send(client, 4, b"\x01" + public)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        secret = key.decrypt(receive(client), oaep)
        send(client, 6, OK)
        with suppress(ConnectionError):  # a process that reads is killed
            while receive(client):
                send(client, 1, OK)
    return (
        bytes(each ^ SALT[at % len(SALT)] for at, each in enumerate(secret)).decode().rstrip("\0")
    )


@pytest.fixture
def password() -> Iterator[tuple[MySQL, "Future[str]"]]:
    """Return a dialect for a server, and the password that the server is given."""
    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", 0)) as server:
        dialect = MySQL(f"mysql://cab@127.0.0.1:{server.getsockname()[1]}/rides", given(PASSWORD))
        yield dialect, pool.submit(served, server)
        server.shutdown(socket.SHUT_RDWR)


def by_pymysql(dialect: MySQL) -> None:
    dialect.connect().close()


def by_connectorx(dialect: MySQL) -> None:
    """It is told of nothing but "OK", and so ends with an error."""
    with RowProcesses().lend() as process:
        list(read(dialect, Snapshot(datetime.now(UTC), []), process, "SELECT 1"))


@pytest.mark.parametrize("login", [by_pymysql, by_connectorx])
def test_a_user_of_caching_sha2_password_logs_in_without_tls(
    password: tuple[MySQL, "Future[str]"], login: Callable[[MySQL], None]
) -> None:
    dialect, told = password
    with suppress(CabError):
        login(dialect)
    assert told.result(patience(5)) == PASSWORD


def test_a_package_that_a_login_needs_is_named(
    password: tuple[MySQL, "Future[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pymysql._auth, "_have_cryptography", False)
    dialect, _ = password
    with pytest.raises(
        BookingsDbRefused, match=r"'cryptography' package is required.*requirements\.lock"
    ):
        dialect.connect()
