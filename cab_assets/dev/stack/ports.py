"""Ports on loopback: the usual ones if they are free; the same ones at the next start."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cab_assets.dev.stack.home import PORTS, write_private

LOOPBACK = "127.0.0.1"


def remembered(home: Path) -> dict[str, int]:
    file = home / PORTS
    return json.loads(file.read_text()) if file.exists() else {}


@contextmanager
def claimed(home: Path, usual: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Yield a free port for each name. Other stacks do not take these ports in the block."""
    before = remembered(home)
    with ExitStack() as claims:
        ports = {
            name: _first_free((before.get(name, port), *range(port, port + 1000)), claims)
            for name, port in usual.items()
        }
        write_private(home / PORTS, json.dumps(ports))
        yield ports


def free(usual: int) -> int:
    """Return `usual`, or the first port after it that is free now."""
    with ExitStack() as claims:
        return _first_free(tuple(range(usual, usual + 1000)), claims)


def _first_free(candidates: tuple[int, ...], claims: ExitStack) -> int:
    return next(port for port in candidates if _claim(port, claims))


def _claim(port: int, claims: ExitStack) -> bool:
    """Return whether the port is free, and reserve it with an abstract Unix socket.

    The reservation is needed until the server listens, which takes seconds.
    """
    claim = claims.enter_context(socket.socket(socket.AF_UNIX))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            claim.bind(f"\0cab-port-{port}")
        except OSError:
            return False
    return True
