"""`cab status`: the state of each server, and whether it answers."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cab_assets.dev.stack.server import Server
from cab_assets.dev.stack.stack import remembered


@dataclass(frozen=True)
class ServerStatus:
    """The status of one server; `uptime` is in seconds."""

    name: str
    state: str
    answers: bool
    pid: int | None
    ports: dict[str, int]
    uptime: int
    log: str


def status(home: Path) -> list[ServerStatus]:
    stack = remembered(home.resolve())
    running = stack.runs()
    return [
        _status(server, stack.supervisor.state(server.name) if running else {})
        for server in stack.servers
    ]


def _status(server: Server, process: dict[str, Any]) -> ServerStatus:
    alive = bool(process.get("pid"))
    return ServerStatus(
        name=server.name,
        state=process.get("statename", "STOPPED"),
        # If the process is not running, another program may answer on its port
        answers=alive and server.connection_error() is None,
        pid=process["pid"] if alive else None,
        ports=server.own_ports,
        uptime=process["now"] - process["start"] if alive else 0,
        log=str(server.log),
    )


def table(statuses: list[ServerStatus]) -> str:
    rows = [("SERVER", "STATE", "ANSWERS", "PID", "PORTS", "UP FOR", "LOG")]
    rows += [
        (
            each.name,
            each.state,
            "yes" if each.answers else "no",
            str(each.pid or "-"),
            _listed(each.ports),
            str(timedelta(seconds=each.uptime)),
            each.log,
        )
        for each in statuses
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _listed(ports: dict[str, int]) -> str:
    return " ".join(f"{name}:{port}" for name, port in ports.items())
