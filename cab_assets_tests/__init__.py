"""Tests.

What the shell has set for the pipeline, its servers and its libraries is no part of them.
"""

import os

OF_A_SHELL = ("CAB_", "DAGSTER_", "PG", "AWS_", "HADOOP_", "SPARK_", "MYSQL_")
LOOPBACK = "127.0.0.1,localhost"

for _name in [name for name in os.environ if name.startswith(OF_A_SHELL)]:
    del os.environ[_name]
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, (os.environ.get(_name), LOOPBACK)))
