"""Spark on a standalone master, spoken to through Connect, on the metastore of Apache Hive, for
files on HDFS and on S3.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cab_assets.dev.stack import jars
from cab_assets.dev.stack.server import packaged
from cab_assets.dev.stack.warehouse import SERVER_CLASS, SETTINGS
from cab_assets_tests.cluster.apache_hive import JARS, ApacheHive
from cab_assets_tests.cluster.s3 import S3
from cab_assets_tests.processes import Server, free_ports, serving

ISOLATING_CLASS = (  # of start-connect-server.sh
    "org.apache.spark.sql.connect.service.SparkConnectServer"
)
DEPLOY = "org.apache.spark.deploy"


@dataclass(frozen=True)
class Standalone:
    remote: str  # sc://host:port
    worker: Server

    def kill_executors(self) -> int:
        """How many there were."""
        found = [
            each for each in psutil.Process(self.worker.process.pid).children() if is_executor(each)
        ]
        for each in found:
            each.kill()
        return len(found)


def is_executor(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # one that has just ended is a zombie
        return "CoarseGrainedExecutorBackend" in " ".join(process.cmdline())
    return False


@contextmanager
def spark(
    folder: Path, hive: ApacheHive, s3: S3, *, workers: int = 1, isolating: bool = True
) -> Iterator[Standalone]:
    """At work until the block ends, each worker with two cores.

    Sessions have classes of their own if `isolating`, else it is started as in docker/role.
    """
    jars.EMBEDDED.fetch(print)
    master, connect, thrift, *others = free_ports(3 + workers)
    here = ["--host", "127.0.0.1", "--webui-port", "0"]
    spark_class = packaged("pyspark", "pyspark/bin/spark-class")
    environment = (
        os.environ
        | s3.variables
        | {
            "SPARK_HOME": packaged("pyspark", "pyspark"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_WORKER_DIR": str(folder / "work"),
            "SPARK_LOCAL_DIRS": str(folder / "tmp"),
        }
    )
    class_path = ":".join(map(str, [*jars.connector(), *s3.jars]))
    settings = SETTINGS | {
        "spark.connect.grpc.binding.port": str(connect),
        "spark.sql.warehouse.dir": f"{folder}/managed",
        "spark.executor.extraClassPath": class_path,
        "spark.executor.memory": "1g",
        "spark.executor.extraJavaOptions": "-XX:+UseParallelGC",  # as in docker/conf
        **{f"spark.hadoop.{name}": value for name, value in s3.hadoop.items()},
        "spark.hadoop.hive.metastore.uris": hive.thrift,
        "spark.sql.hive.metastore.version": "4.0.1",
        "spark.sql.hive.metastore.jars": "path",
        "spark.sql.hive.metastore.jars.path": f"file://{JARS.folder}/hive/*.jar",
    }
    if isolating:
        settings.pop("spark.plugins")  # this class brings Connect itself
        serve = [ISOLATING_CLASS, "spark-internal"]
    else:
        serve = [
            SERVER_CLASS,
            "spark-internal",
            "--hiveconf",
            "hive.server2.thrift.bind.host=127.0.0.1",
            "--hiveconf",
            f"hive.server2.thrift.port={thrift}",
        ]
    server = [
        packaged("pyspark", "pyspark/bin/spark-submit"),
        f"--master=spark://127.0.0.1:{master}",
        "--driver-memory=1g",
        "--driver-class-path",
        class_path,
    ]
    server += [f"--conf={name}={value}" for name, value in settings.items()]
    work = [
        spark_class,
        f"{DEPLOY}.worker.Worker",
        *here,
        "--cores",
        "2",
        "--memory",
        "2g",
        f"spark://127.0.0.1:{master}",
    ]
    commands = {
        "master": ([spark_class, f"{DEPLOY}.master.Master", *here, "--port", str(master)], master),
        **{
            f"worker-{number}": ([*work, "--port", str(port)], port)
            for number, port in enumerate(others)
        },
        "connect": ([*server, "--class", *serve], connect),
    }
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                serving(command, port, folder / f"{name}.log", environment=environment, cwd=folder)
            )
            for name, (command, port) in commands.items()
        }
        yield Standalone(f"sc://127.0.0.1:{connect}", servers["worker-0"])
