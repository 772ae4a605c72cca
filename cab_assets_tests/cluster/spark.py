"""Spark on a standalone master, spoken to through Connect, on the metastore of Apache Hive."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cab_assets.stack import jars
from cab_assets.stack.server import packaged
from cab_assets.stack.warehouse import SETTINGS
from cab_assets_tests.cluster.apache_hive import JARS, ApacheHive
from cab_assets_tests.cluster.processes import serving
from cab_assets_tests.secure_kafka import free_ports

SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
DEPLOY = "org.apache.spark.deploy"


@contextmanager
def spark(folder: Path, hive: ApacheHive) -> Iterator[str]:
    """Its `sc://host:port`, at work until the block ends."""
    jars.EMBEDDED.fetch(print)
    master, worker, connect = free_ports(3)
    here = ["--host", "127.0.0.1", "--webui-port", "0"]
    spark_class = packaged("pyspark", "pyspark/bin/spark-class")
    environment = os.environ | {
        "SPARK_HOME": packaged("pyspark", "pyspark"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOCAL_DIRS": str(folder / "tmp"),
    }
    connector = ":".join(map(str, jars.connector()))
    settings = SETTINGS | {
        "spark.connect.grpc.binding.port": str(connect),
        "spark.sql.warehouse.dir": f"{folder}/managed",
        "spark.executor.extraClassPath": connector,
        "spark.executor.memory": "1g",
        "spark.hadoop.hive.metastore.uris": hive.metastore,
        "spark.sql.hive.metastore.version": "4.0.1",
        "spark.sql.hive.metastore.jars": "path",
        "spark.sql.hive.metastore.jars.path": f"file://{JARS.folder}/hive/*.jar",
    }
    server = [packaged("pyspark", "pyspark/bin/spark-submit"), f"--master=spark://127.0.0.1:{master}", "--driver-memory=1g", "--driver-class-path", connector]
    server += [f"--conf={name}={value}" for name, value in settings.items()]
    commands = {
        "master": ([spark_class, f"{DEPLOY}.master.Master", *here, "--port", str(master)], master),
        "worker": (
            [spark_class, f"{DEPLOY}.worker.Worker", *here, "--port", str(worker), "--cores", "2", "--memory", "2g", f"spark://127.0.0.1:{master}"],
            worker,
        ),
        "connect": ([*server, f"--class={SERVER_CLASS}", "spark-internal"], connect),
    }
    with ExitStack() as servers:
        for name, (command, port) in commands.items():
            servers.enter_context(serving(command, port, folder / f"{name}.log", environment=environment, cwd=folder))
        yield f"sc://127.0.0.1:{connect}"
