import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets_tests.cluster import databases
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.hdfs import Hdfs
from cab_assets_tests.cluster.hdfs import hdfs as serving_hdfs


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="cab-mariadb-") as folder, databases.mariadb(Path(folder)) as made:
        yield made


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="cab-postgresql-") as folder, databases.postgresql(Path(folder)) as made:
        yield made


@pytest.fixture(scope="session")
def hdfs() -> Iterator[Hdfs]:
    with tempfile.TemporaryDirectory(prefix="cab-hdfs-") as folder, serving_hdfs(Path(folder)) as made:
        yield made


@pytest.fixture
def servers(mariadb: Database, hdfs: Hdfs, tmp_path: Path) -> dict[str, str]:
    """What the same tests run on over here."""
    return {**mariadb.variables, "CAB_LAKE_ROOT": f"{hdfs.root}/{tmp_path.parent.name}/{tmp_path.name}"}
