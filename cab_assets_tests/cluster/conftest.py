import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cab_assets_tests.cluster import apache_hive, databases, spark
from cab_assets_tests.cluster.apache_hive import ApacheHive
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.cluster.hdfs import hdfs as serving_hdfs
from cab_assets_tests.cluster.s3 import S3
from cab_assets_tests.cluster.s3 import s3 as serving_s3
from cab_assets_tests.cluster.spark import Standalone
from cab_assets_tests.cluster.yarn import yarn as serving_yarn


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-mariadb-") as folder,
        databases.mariadb(Path(folder)) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-postgresql-") as folder,
        databases.postgresql(Path(folder)) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def hdfs() -> Iterator[Hdfs]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-hdfs-") as folder,
        serving_hdfs(Path(folder)) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with tempfile.TemporaryDirectory(prefix="cab-s3-") as folder, serving_s3(Path(folder)) as made:
        yield made


@pytest.fixture(scope="session")
def hive(hdfs: Hdfs, s3: S3) -> Iterator[ApacheHive]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-hive-") as folder,
        apache_hive.apache_hive(Path(folder), hdfs.root, s3) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def standalone(hive: ApacheHive, s3: S3) -> Iterator[Standalone]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-spark-") as folder,
        spark.spark(Path(folder), hive, s3) as made,
    ):
        yield made


@pytest.fixture(scope="session")
def yarn(hdfs: Hdfs) -> Iterator[Mapping[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-yarn-") as folder,
        serving_yarn(Path(folder), hdfs) as made,
    ):
        yield made


@pytest.fixture
def servers(
    mariadb: Database, hdfs: Hdfs, hive: ApacheHive, standalone: Standalone, tmp_path: Path
) -> dict[str, str]:
    """What the same tests run on over here."""
    lake = f"{hdfs.root}/{tmp_path.parent.name}/{tmp_path.name}"
    return {
        **mariadb.variables,
        "CAB_HIVE_URL": hive.url,
        "CAB_SPARK_REMOTE": standalone.remote,
        "CAB_LAKE_ROOT": lake,
    }
