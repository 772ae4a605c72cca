"""Apache Hive itself: a metastore, and HiveServer2 on it, for tables on HDFS and on S3."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cab_assets.dev.stack import machine
from cab_assets.dev.stack.jars import JarSet
from cab_assets.dev.stack.server import packaged
from cab_assets.settings import CHECKOUT
from cab_assets_tests.cluster.hadoop import hadoop_site
from cab_assets_tests.cluster.s3 import S3
from cab_assets_tests.processes import Server, free_ports, serving

JARS = JarSet(CHECKOUT / "docker" / "jars" / "hive.sha256", "Apache Hive", 265)
METASTORE, SERVER = (
    "org.apache.hadoop.hive.metastore.HiveMetaStore",
    "org.apache.hive.service.server.HiveServer2",
)
PACKAGES = [
    "lang",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
    "net",
    "io",
    "nio",
    "lang.reflect",
    "lang.invoke",
    "text",
    "time",
    "util.regex",
]
# The jars of S3A are too new for Hive's own
HADOOP = [
    packaged("pyspark", f"pyspark/jars/hadoop-client-{part}-3.5.0.jar")
    for part in ("api", "runtime")
]
OPENS = [
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in PACKAGES),
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
]


@dataclass(frozen=True)
class ApacheHive:
    url: str
    thrift: str  # thrift://host:port of the metastore
    metastore: Server
    server: Server


@contextmanager
def apache_hive(folder: Path, default_fs: str, s3: S3) -> Iterator[ApacheHive]:
    """At work until the block ends."""
    JARS.fetch(print)
    metastore, server = free_ports(2)
    (folder / "conf").mkdir()
    hadoop_site(folder / "conf" / "core-site.xml", {"fs.defaultFS": default_fs, **s3.hadoop})
    hadoop_site(folder / "conf" / "hive-site.xml", _settings(folder, metastore, server))
    class_path = [f"{folder}/conf", *HADOOP, *map(str, s3.jars), f"{JARS.folder}/hive/*"]
    java = [machine.java(), "-Xmx1g", "-Duser.timezone=UTC", *OPENS, "-cp", ":".join(class_path)]
    environment = os.environ | s3.variables
    with (
        serving(
            [*java, METASTORE, "-p", str(metastore)],
            metastore,
            folder / "metastore.log",
            environment=environment,
            cwd=folder,
        ) as behind,
        serving(
            [*java, SERVER], server, folder / "hiveserver2.log", environment=environment, cwd=folder
        ) as front,
    ):
        yield ApacheHive(
            f"hive://cab@127.0.0.1:{server}/default",
            f"thrift://127.0.0.1:{metastore}",
            behind,
            front,
        )


def _settings(folder: Path, metastore: int, server: int) -> dict[str, object]:
    return {
        "javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={folder}/metastore;create=true"
        ),
        "datanucleus.schema.autoCreateAll": "true",
        "metastore.schema.verification": "false",
        "hive.metastore.schema.verification": "false",
        "metastore.warehouse.dir": f"file://{folder}/managed",
        "metastore.warehouse.external.dir": f"file://{folder}/external",
        "metastore.expression.proxy": (
            "org.apache.hadoop.hive.ql.optimizer.ppr.PartitionExpressionForMetastore"
        ),
        "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
        # Else whoever runs the metastore must be a proxy user
        "hive.metastore.event.db.notification.api.auth": "false",
        "hive.metastore.uris": f"thrift://127.0.0.1:{metastore}",
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "hive.server2.thrift.port": server,
        "hive.server2.webui.port": 0,
        "hive.server2.enable.doAs": "false",
        "hive.server2.tez.initialize.default.sessions": "false",
        "hive.server2.materializedviews.registry.impl": "DUMMY",
        "hive.execution.engine": "mr",
        "hive.support.concurrency": "false",
        "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
        "hive.scheduled.queries.executor.enabled": "false",
        "hive.stats.autogather": "false",
        "hive.query.results.cache.enabled": "false",
        "hive.exec.scratchdir": f"file://{folder}/scratch",
        "hive.exec.local.scratchdir": folder / "local",
        "mapreduce.framework.name": "local",
    }
