"""S3 behind a port at which it can fail, and what Hadoop's S3A needs to reach it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from cab_assets.dev.stack.jars import JarSet
from cab_assets.settings import CHECKOUT
from cab_assets_tests.aws import client_of
from cab_assets_tests.cluster.front import Front, fronting
from cab_assets_tests.processes import free_ports, serving

JARS = JarSet(CHECKOUT / "docker" / "jars" / "s3a.sha256", "Hadoop's S3A", 14)
BUCKET = "rides"
# With Hadoop's own limits, S3A asks an S3 that says 503 for longer than the pipeline waits for
# HiveServer2.
PATIENCE = {"attempts.maximum": "3", "retry.limit": "3", "retry.throttle.limit": "6"}


@dataclass(frozen=True)
class S3:
    front: Front

    @property
    def variables(self) -> Mapping[str, str]:
        """Of every process that reads or writes there."""
        return client_of(f"http://127.0.0.1:{self.front.port}")

    @property
    def hadoop(self) -> Mapping[str, str]:
        """Hadoop's own settings."""
        own = {
            "endpoint": f"http://127.0.0.1:{self.front.port}",
            "endpoint.region": "eu-west-1",
            "path.style.access": "true",
        }
        return {f"fs.s3a.{name}": value for name, value in (own | PATIENCE).items()}

    @property
    def jars(self) -> list[Path]:
        """Beside those of Hadoop's client."""
        return JARS.of("s3a")


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """At work until the block ends."""
    JARS.fetch(print)
    (port,) = free_ports(1)
    with (
        serving(
            [sys.executable, "-m", "moto.server", "--port", str(port)], port, folder / "s3.log"
        ),
        fronting(port) as front,
    ):
        _make_bucket(client_of(f"http://127.0.0.1:{port}"))
        yield S3(front)


def _make_bucket(variables: Mapping[str, str]) -> None:
    keys = {
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
    }
    with closing(
        boto3.client(
            "s3", endpoint_url=variables["AWS_ENDPOINT_URL"], region_name="us-east-1", **keys
        )
    ) as client:
        client.create_bucket(Bucket=BUCKET)
