"""YARN, a ResourceManager and a NodeManager, and what a classic Spark session on it is told."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cab_assets.dev.stack import jars, machine
from cab_assets.dev.stack.jars import JarSet
from cab_assets.dev.stack.server import packaged
from cab_assets_tests.cluster import hdfs
from cab_assets_tests.cluster.hadoop import hadoop_site
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.processes import free_ports, serving

JARS = JarSet(Path(__file__).parent / "yarn.sha256", "YARN, beside those of HDFS", 32)
RESOURCES, NODE = (
    f"org.apache.hadoop.yarn.server.{name}"
    for name in ("resourcemanager.ResourceManager", "nodemanager.NodeManager")
)


@contextmanager
def yarn(folder: Path, lake: Hdfs) -> Iterator[Mapping[str, str]]:
    """The variables with which a run's session is on it, until the block ends."""
    JARS.fetch(print)
    jars.EMBEDDED.fetch(print)
    (folder / "conf").mkdir()
    rpc, scheduler, tracker, admin, http, node, localizer, node_http = free_ports(8)
    site = {
        "yarn.resourcemanager.hostname": "127.0.0.1",
        "yarn.resourcemanager.address": f"127.0.0.1:{rpc}",
        "yarn.resourcemanager.scheduler.address": f"127.0.0.1:{scheduler}",
        "yarn.resourcemanager.resource-tracker.address": f"127.0.0.1:{tracker}",
        "yarn.resourcemanager.admin.address": f"127.0.0.1:{admin}",
        "yarn.resourcemanager.webapp.address": f"127.0.0.1:{http}",
        "yarn.resourcemanager.scheduler.class": (
            "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fifo.FifoScheduler"
        ),
        "yarn.scheduler.minimum-allocation-mb": "128",
        "yarn.nodemanager.address": f"127.0.0.1:{node}",
        "yarn.nodemanager.localizer.address": f"127.0.0.1:{localizer}",
        "yarn.nodemanager.webapp.address": f"127.0.0.1:{node_http}",
        "yarn.nodemanager.resource.memory-mb": "4096",
        "yarn.nodemanager.resource.cpu-vcores": "4",
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.pmem-check-enabled": "false",
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "100",
        "yarn.nodemanager.local-dirs": folder / "local",
        "yarn.nodemanager.log-dirs": folder / "logs",
    }
    hadoop_site(folder / "conf" / "yarn-site.xml", site)
    hadoop_site(
        folder / "conf" / "core-site.xml",
        {"fs.defaultFS": lake.root, "hadoop.tmp.dir": folder / "tmp"},
    )
    (folder / "conf" / "spark-defaults.conf").write_text(
        "".join(f"{name} {value}\n" for name, value in _settings().items())
    )
    java = [
        machine.java(),
        "-Xmx256m",
        "-cp",
        f"{folder}/conf:{hdfs.JARS.folder}/hdfs/*:{JARS.folder}/yarn/*",
    ]
    environment = os.environ | {"JAVA_HOME": str(Path(machine.java()).resolve().parents[1])}
    with (
        serving(
            [*java, RESOURCES],
            rpc,
            folder / "ResourceManager.log",
            environment=environment,
            cwd=folder,
        ),
        serving(
            [*java, NODE], node, folder / "NodeManager.log", environment=environment, cwd=folder
        ),
    ):
        conf = str(folder / "conf")
        yield {
            "CAB_SPARK_MASTER": "yarn",
            "HADOOP_CONF_DIR": conf,
            "SPARK_CONF_DIR": conf,
            "PYSPARK_PYTHON": sys.executable,
        }


def _settings() -> dict[str, str]:
    """As a company has them in its `spark-defaults.conf`."""
    connector = ":".join(map(str, jars.connector()))
    return {
        "spark.yarn.jars": f"local:{packaged('pyspark', 'pyspark/jars')}/*",
        "spark.yarn.am.memory": "512m",
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraClassPath": connector,
        "spark.executor.extraClassPath": connector,
        "spark.executor.instances": "1",
        "spark.executor.cores": "2",
        "spark.executor.memory": "1g",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
    }
