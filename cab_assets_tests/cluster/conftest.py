import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets_tests.cluster.databases import DATABASES, Database


@pytest.fixture(scope="session", params=sorted(DATABASES))
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="cab-db-") as folder, DATABASES[request.param](Path(folder)) as made:
        yield made


@pytest.fixture
def rides_db(database: Database) -> dict[str, str]:
    """The database that the same tests run over here."""
    return dict(database.variables)
