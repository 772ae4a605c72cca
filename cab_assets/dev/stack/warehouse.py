import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import grpc
from pyhive import hive
from pyhive.exc import Error as HiveError
from thrift.Thrift import TException
from thrift.transport.TSocket import TSocket
from thrift_sasl import TSaslClientTransport

from cab_assets.dev.stack import jars
from cab_assets.dev.stack.ports import LOOPBACK
from cab_assets.dev.stack.server import LOG_FORMAT, Server, packaged

# Time-out of each request of the health check: the first statement of a cold JVM takes 3 s
ANSWER_TIMEOUT_SECONDS = 10
SERVER_CLASS = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
# The folder of managed tables, which is another one in each stack
WAREHOUSE = "spark.sql.warehouse.dir"
RELEASE_SESSION = "/spark.connect.SparkConnectService/ReleaseSession"
SETTINGS = {
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
    "spark.connect.grpc.binding.address": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
    "spark.ui.enabled": "false",
    "spark.sql.catalogImplementation": "hive",
    "spark.sql.session.timeZone": "UTC",
    # Spark's default of 200 is mostly overhead on a machine with few cores
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # So that a partition value such as 2020-01-01 stays a string
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # No cache of file lists, so that open sessions see new files of a known partition at once
    "spark.sql.hive.filesourcePartitionFileCacheSize": "0",
}


class Warehouse(Server):
    """One JVM from the pyspark wheel: HiveServer2, Spark Connect, and their metastore (Derby)."""

    name: ClassVar[str] = "warehouse"
    usual_ports: ClassVar[Mapping[str, int]] = {"hive": 10000, "spark": 15002}
    waits_for: ClassVar[str] = "Spark Connect and the database cab in HiveServer2"
    connection_errors: ClassVar[tuple[type[Exception], ...]] = (
        grpc.RpcError,
        HiveError,
        TException,
        OSError,
    )
    # If its port is in use or its metastore is locked, the JVM ends within 10 s
    start_seconds: ClassVar[int] = 10
    start_retries: ClassVar[int] = 5

    def prepare(self) -> None:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        self._spark_home.mkdir(exist_ok=True)
        for part in ("bin", "jars"):
            (self._spark_home / part).unlink(missing_ok=True)
            (self._spark_home / part).symlink_to(packaged("pyspark", f"pyspark/{part}"))

    @property
    def _spark_home(self) -> Path:
        """Return a Spark home without the wheel's `python/lib/pyspark.zip`.

        With the zip, each Python process that Spark starts would compile all its imports, which
        takes about a second.
        """
        return self.folder / "spark"

    def command(self) -> list[str]:
        options = [f"--conf={name}={value}" for name, value in self.settings().items()]
        thrift = [
            "--hiveconf",
            f"hive.server2.thrift.bind.host={LOOPBACK}",
            "--hiveconf",
            f"hive.server2.thrift.port={self.ports['hive']}",
            "--hiveconf",
            # With impersonation, alternating sessions would reopen the metastore for each statement
            "hive.server2.enable.doAs=false",
        ]
        return [
            str(self._spark_home / "bin" / "spark-submit"),
            "--master=local[*]",
            "--driver-memory=2g",
            # Not --jars: sessions opened after HiveServer2's first would not find Kafka's classes
            "--driver-class-path",
            ":".join(map(str, self.class_path())),
            *options,
            f"--class={SERVER_CLASS}",
            "spark-internal",
            *thrift,
        ]

    def class_path(self) -> list[Path]:
        """Return the jars in addition to those of the wheel."""
        return jars.connector()

    def settings(self) -> dict[str, str]:
        tmp = self.folder / "tmp"
        java = [
            "-Duser.timezone=UTC",
            f"-Djava.io.tmpdir={tmp}",
            f"-Dderby.system.home={self.folder}",
            f"-Dlog4j2.configurationFile={LOG_FORMAT.as_uri()}",
        ]
        return SETTINGS | {
            "spark.connect.grpc.binding.port": str(self.ports["spark"]),
            "spark.driver.extraJavaOptions": " ".join(f'"{option}"' for option in java),
            "spark.local.dir": str(tmp),
            "spark.hadoop.hive.exec.scratchdir": str(tmp / "hive"),
            WAREHOUSE: str(self.folder / "managed"),
        }

    def environment(self) -> dict[str, str]:
        """Return an environment in which the wheel's Spark is used, not another one of the machine.

        `foreachBatch` runs in the Python of PYSPARK_PYTHON.
        """
        return {
            "SPARK_HOME": str(self._spark_home),
            "SPARK_CONF_DIR": str(self.folder / "conf"),
            "SPARK_LOCAL_IP": LOOPBACK,
            "PYSPARK_PYTHON": sys.executable,
        }

    def check(self) -> None:
        for port in self.own_ports.values():
            # First, because Thrift prints an error for each refused connection
            socket.create_connection((LOOPBACK, port), ANSWER_TIMEOUT_SECONDS).close()
        _check_spark_connect(self.ports["spark"])
        ((_, folder),) = _hive(self.ports["hive"], f"SET {WAREHOUSE}")
        if folder.removeprefix("file:") != self.settings()[WAREHOUSE]:
            raise OSError(f"the server of another stack answers there, with {folder}")
        if not _hive(self.ports["hive"], "SHOW DATABASES LIKE 'cab'"):
            _hive(self.ports["hive"], "CREATE DATABASE cab")

    def variables(self) -> dict[str, str]:
        return {
            "CAB_HIVE_URL": f"hive://cab@{LOOPBACK}:{self.ports['hive']}/cab",
            "CAB_SPARK_REMOTE": f"sc://{LOOPBACK}:{self.ports['spark']}",
        }


def _check_spark_connect(port: int) -> None:
    """Send a request to release a session that does not exist, which any running server answers.

    A real session would cost the import of pyspark (0.7 s) and work of the server.
    """
    with grpc.insecure_channel(
        f"{LOOPBACK}:{port}", options=[("grpc.enable_http_proxy", 0)]
    ) as channel:
        channel.unary_unary(RELEASE_SESSION)(b"", timeout=ANSWER_TIMEOUT_SECONDS)


def _hive(port: int, statement: str) -> list[Any]:
    wire = TSocket(LOOPBACK, port)
    wire.setTimeout(ANSWER_TIMEOUT_SECONDS * 1000)
    transport = TSaslClientTransport(
        lambda: hive.get_installed_sasl(LOOPBACK, "PLAIN", None, "cab", "no password"),
        "PLAIN",
        wire,
    )
    with hive.connect(thrift_transport=transport) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
