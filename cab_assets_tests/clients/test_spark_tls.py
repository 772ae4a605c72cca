"""Spark Connect behind TLS, as a company's proxy serves it."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

from cab_assets.environment import Environment
from cab_assets_tests.patience import patience
from cab_assets_tests.tls import tls_front

LONG = """
import sys, time
from cab_assets.clients import spark

def job(session):
    counted = session.range(3).count()
    time.sleep(4 * spark.PROBE_SECONDS)
    return counted

spark.PROBE_SECONDS = 0.5
print(spark.Spark(sys.argv[1], None).run(job))
"""


def test_a_job_over_tls_outlasts_the_probes(stack: Environment, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with tls_front(urlparse(str(stack.spark_remote)).port or 0, ca) as port:
        environ = os.environ | {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(ca)}
        command = [sys.executable, "-c", LONG, f"sc://localhost:{port}/;use_ssl=true"]
        ended = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=patience(60)
        )
    assert ended.stdout == "3\n", ended.stderr
