from collections.abc import Iterator

import pytest

from cab_assets.dev.sample.connect import source_table
from cab_assets.dev.sample.source import FilledTable
from cab_assets.environment import Environment
from cab_assets.wiring import Clients


@pytest.fixture
def env(stack: Environment, request: pytest.FixtureRequest) -> Environment:
    """The environment with a table of the test module's own, which is not there yet."""
    own = stack.but(bookings_table=request.module.__name__.rpartition(".")[2])
    db = Clients(own).bookings_db
    with db.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {own.bookings_table}")
    return own


@pytest.fixture
def table(env: Environment) -> Iterator[FilledTable]:
    """The same table, made and empty, over a connection of its own."""
    with source_table(env) as opened:
        yield opened
