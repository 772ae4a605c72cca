"""One embedded stack: its servers, and the supervisor that restarts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cab_assets.dev.stack import config, home, ports
from cab_assets.dev.stack.kafka import Kafka
from cab_assets.dev.stack.postgres import Postgres
from cab_assets.dev.stack.server import Server
from cab_assets.dev.stack.supervisor import USUAL_PORTS, Supervisor
from cab_assets.dev.stack.warehouse import Warehouse

# In the order of their start
SERVERS: tuple[type[Server], ...] = (Postgres, Kafka, Warehouse)
USUAL = {
    name: port
    for each in (USUAL_PORTS, *(server.usual_ports for server in SERVERS))
    for name, port in each.items()
}


@dataclass(frozen=True)
class Stack:
    home: Path
    ports: Mapping[str, int]

    @property
    def password(self) -> str:
        return home.password(self.home)

    @property
    def servers(self) -> list[Server]:
        return [server(self.home, self.ports, self.password) for server in SERVERS]

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.home, self.ports["supervisor"], self.password)

    @property
    def config(self) -> str:
        return config.render(self.home, self.servers, self.ports["supervisor"], self.password)

    @property
    def variables(self) -> dict[str, str]:
        of_servers = {
            name: value for server in self.servers for name, value in server.variables().items()
        }
        return of_servers | {"CAB_LAKE_ROOT": f"file://{self.home}/lake"}

    def runs(self) -> bool:
        return self.supervisor.runs()


def remembered(folder: Path) -> Stack:
    """Return the stack with the ports of its last start, or with the usual ports."""
    return Stack(folder, USUAL | ports.remembered(folder))
