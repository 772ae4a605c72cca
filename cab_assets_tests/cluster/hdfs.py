"""HDFS, a NameNode and one DataNode or more."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cab_assets.dev.stack import machine
from cab_assets.dev.stack.jars import JarSet
from cab_assets.settings import CHECKOUT
from cab_assets_tests.cluster.hadoop import hadoop_site
from cab_assets_tests.patience import patience, until
from cab_assets_tests.processes import Server, free_ports, run, serving

JARS = JarSet(CHECKOUT / "docker" / "jars" / "hdfs.sha256", "HDFS", 68)
NAME_NODE, DATA_NODE, ADMIN = (
    f"org.apache.hadoop.hdfs.{name}"
    for name in ("server.namenode.NameNode", "server.datanode.DataNode", "tools.DFSAdmin")
)
START_SECONDS = 90
READY = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"


@dataclass(frozen=True)
class Hdfs:
    root: str  # hdfs://host:port
    folder: Path
    data_nodes: list[Server]
    admins: list[str]  # addresses that take orders, one for each DataNode
    state: str  # URL of the NameNode's own word

    def safe_mode(self, *, on: bool) -> None:
        """In which nothing can be written."""
        run(_java(self.folder, ADMIN, "-safemode", "enter" if on else "leave"))

    def report(self) -> None:
        """Have the first DataNode tell the NameNode of the blocks it has got since it
        told it last.
        """
        run(_java(self.folder, ADMIN, "-triggerBlockReport", "-incremental", self.admins[0]))

    def await_ready(self) -> None:
        """Until files can be written."""
        until(self._is_ready, START_SECONDS, "HDFS comes up; see its logs")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.state, timeout=patience(5)) as answer:
                (state,) = json.load(answer)["beans"]
        except (OSError, ValueError):
            return False
        return bool(
            state["NumLiveDataNodes"] == len(self.data_nodes) and state["FSState"] == "Operational"
        )


@contextmanager
def hdfs(folder: Path, *, data_nodes: int = 1, report_seconds: int = 0) -> Iterator[Hdfs]:
    """At work until the block ends, with a copy of each block on each DataNode, which the NameNode
    may hear of that much later.
    """
    JARS.fetch(print)
    rpc, http, *data = free_ports(2 + 3 * data_nodes)
    _configure(folder, rpc, http, data_nodes, report_seconds)
    run(_java(folder, NAME_NODE, "-format", "-force", "-nonInteractive"))
    with serving(_java(folder, NAME_NODE), http, folder / "NameNode.log"), ExitStack() as stack:
        nodes = [
            stack.enter_context(_data_node(folder, number, data[3 * number : 3 * number + 3]))
            for number in range(data_nodes)
        ]
        admins = [f"127.0.0.1:{port}" for port in data[2::3]]
        made = Hdfs(
            f"hdfs://127.0.0.1:{rpc}", folder, nodes, admins, f"http://127.0.0.1:{http}{READY}"
        )
        made.await_ready()
        yield made


def _data_node(folder: Path, number: int, ports: list[int]) -> AbstractContextManager[Server]:
    addresses = {
        f"dfs.datanode.{name}": f"127.0.0.1:{port}"
        for name, port in zip(("address", "http.address", "ipc.address"), ports, strict=True)
    }
    own = addresses | {"dfs.datanode.data.dir": f"{folder}/data/{number}"}
    settings = [argument for name, value in own.items() for argument in ("-D", f"{name}={value}")]
    return serving(_java(folder, DATA_NODE, *settings), ports[0], folder / f"DataNode-{number}.log")


def _configure(folder: Path, rpc: int, http: int, data_nodes: int, report_seconds: int) -> None:
    for role in ("hdfs", "datanode"):
        (folder / "conf" / "webapps" / role).mkdir(parents=True)  # a NameNode without one dies
    core = {"fs.defaultFS": f"hdfs://127.0.0.1:{rpc}", "hadoop.tmp.dir": str(folder / "data")}
    site = {
        "dfs.replication": str(data_nodes),
        "dfs.permissions.enabled": "false",
        "dfs.namenode.http-address": f"127.0.0.1:{http}",
        "dfs.datanode.hostname": "127.0.0.1",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.namenode.safemode.extension": "0",
        # A file of two copies or more is closed half a second earlier: docs/howto/lake-on-hdfs.md
        "dfs.namenode.file.close.num-committed-allowed": "1",
        "dfs.blockreport.incremental.intervalMsec": str(report_seconds * 1000),
        "dfs.heartbeat.interval": str(max(1, report_seconds)),  # each brings a report along
        "dfs.namenode.heartbeat.recheck-interval": "2000",
    }
    for file, settings in (("core-site.xml", core), ("hdfs-site.xml", site)):
        hadoop_site(folder / "conf" / file, settings)


def _java(folder: Path, main: str, *arguments: str) -> list[str]:
    return [
        machine.java(),
        "-Xmx256m",
        "-cp",
        f"{folder}/conf:{JARS.folder}/hdfs/*",
        main,
        *arguments,
    ]
