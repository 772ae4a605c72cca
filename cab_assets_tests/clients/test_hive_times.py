from datetime import datetime

from cab_assets.environment import Environment
from cab_assets.wiring import Clients

QUERY = (
    "SELECT timestamp'+12020-02-12 10:00:00', timestamp'0001-01-01', timestamp'-0043-03-15"
    " 12:00:00', timestamp'2020-01-02 03:04:05.25'"
)


def test_a_time_of_a_year_that_python_does_not_have_is_shown_as_text(stack: Environment) -> None:
    late, first, early, usual = Clients(stack).hive.execute(QUERY)[0]
    assert (first, usual) == (
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(2020, 1, 2, 3, 4, 5, 250_000),  # noqa: DTZ001
    )
    assert (late, early) == ("+12020-02-12 10:00:00", "-0043-03-15 12:00:00")
