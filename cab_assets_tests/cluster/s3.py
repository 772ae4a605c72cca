"""S3, and Spark with Hadoop's S3A on its class path, behind a port at which S3 can fail."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from cab_assets.environment import CHECKOUT
from cab_assets.stack import jars
from cab_assets.stack.jars import JarSet
from cab_assets.stack.warehouse import Warehouse
from cab_assets_tests.aws import client_of
from cab_assets_tests.cluster.front import Front, fronting
from cab_assets_tests.cluster.processes import serving
from cab_assets_tests.secure_kafka import free_ports

JARS = JarSet(CHECKOUT / "docker" / "jars" / "s3a.sha256", "Hadoop's S3A", 14)
BUCKET = "rides"
START_SECONDS = 90
# With Hadoop's own limits, S3A asks an S3 that says 503 for longer than the pipeline waits for HiveServer2.
PATIENCE = {"attempts.maximum": "3", "retry.limit": "4", "retry.throttle.limit": "6"}


class S3Warehouse(Warehouse):
    """HiveServer2 and Spark Connect for tables on S3, at the port `s3`."""

    def class_path(self) -> list[Path]:
        return [*super().class_path(), *JARS.of("s3a")]

    def settings(self) -> dict[str, str]:
        own = {"endpoint": f"http://127.0.0.1:{self.ports['s3']}", "endpoint.region": "eu-west-1", "path.style.access": "true"}
        return super().settings() | {f"spark.hadoop.fs.s3a.{name}": value for name, value in (own | PATIENCE).items()}

    def await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while refusal := self.refusal():
            assert time.monotonic() < deadline, self.failed(f"did not answer within {START_SECONDS} s ({refusal})")
            time.sleep(0.3)


@dataclass(frozen=True)
class S3:
    front: Front
    warehouse: S3Warehouse

    @property
    def variables(self) -> dict[str, str]:
        return client_of(f"http://127.0.0.1:{self.front.port}") | self.warehouse.variables()


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """At work until the block ends."""
    jars.EMBEDDED.fetch(print)
    JARS.fetch(print)
    hive, spark, port = free_ports(3)
    with serving([sys.executable, "-m", "moto.server", "--port", str(port)], port, folder / "s3.log"), fronting(port) as front:
        _make_bucket(client_of(f"http://127.0.0.1:{port}"))
        warehouse = S3Warehouse(folder, {"hive": hive, "spark": spark, "s3": front.port}, "")
        warehouse.prepare()
        warehouse.log.parent.mkdir()
        environment = os.environ | client_of(f"http://127.0.0.1:{front.port}") | warehouse.environment()
        with serving(warehouse.command(), hive, warehouse.log, environment=environment, cwd=folder):
            warehouse.await_answer()
            yield S3(front, warehouse)


def _make_bucket(variables: dict[str, str]) -> None:
    keys = {"aws_access_key_id": variables["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"]}
    with closing(boto3.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"], region_name="us-east-1", **keys)) as client:
        client.create_bucket(Bucket=BUCKET)
