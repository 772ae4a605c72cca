"""What Apache Hive is asked in another way than Spark's HiveServer2."""

import pytest

from cab_assets.clients.hive import Hive
from cab_assets.store import pointers
from cab_assets.store.pointers import Pointers
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.store.test_columns import (  # noqa: F401
    earlier,
    test_a_column_more_is_in_hive_for_new_days_and_old_ones_are_not_imported_again,
    test_clicks_and_their_views_show_a_column_more,
    test_each_table_gets_the_column_that_it_lacks,
)
from cab_assets_tests.store.test_publish import (  # noqa: F401  # noqa: F401
    test_a_table_that_is_not_declared_has_no_partitions_and_is_not_declared_by_a_question,
    test_more_days_than_one_statement_takes_are_all_there,
)

pytestmark = pytest.mark.cluster
DAYS = [f"2020-01-{day:02}" for day in range(1, 11)]


@pytest.fixture
def there(pipeline: Pipeline) -> dict[str, str]:
    """Partitions, one of which is nobody's version."""
    locations = {
        day: pipeline.lake.url(f"bookings/booking_date={day}/version=1") for day in DAYS
    } | {DAYS[3]: pipeline.lake.url("else where")}
    pipeline.store(BOOKINGS).declare()
    pipeline.store(BOOKINGS).pointers.add(locations)
    return locations


def test_many_locations_are_told_without_asking_for_each(
    pipeline: Pipeline, there: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pointers, "_describe", None)
    monkeypatch.setattr(pointers, "PARTITIONS_A_STATEMENT", 4)
    assert pipeline.store(BOOKINGS).pointers.locations([*DAYS, "2020-02-01"]) == there


def test_who_may_not_query_is_told_locations_all_the_same(
    pipeline: Pipeline, there: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Hive.execute
    monkeypatch.setattr(
        Hive,
        "execute",
        lambda hive, statement: execute(hive, statement.replace("SELECT *", "SELECT absent")),
    )
    assert pipeline.store(BOOKINGS).pointers.locations(DAYS) == there
