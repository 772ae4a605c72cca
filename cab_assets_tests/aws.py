"""A server that speaks AWS's APIs, on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def aws() -> Iterator[str]:
    """Its URL, which this process's AWS clients use meanwhile."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        server = ThreadedMotoServer("127.0.0.1", 0)
        server.start()
        host, port = server.get_host_and_port()
        own = client_of(f"http://{host}:{port}")
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        try:
            yield own["AWS_ENDPOINT_URL"]
        finally:
            server.stop()


def client_of(url: str) -> dict[str, str]:
    """The variables of a client that is to use that server."""
    where = {"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    return where | {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
