import pytest

from cab_assets.tables.clicks import CLICKSTREAM_BATCHES
from cab_assets_tests.clicks import Clicks, numbered

pytestmark = pytest.mark.faults


def test_clicks_after_a_batch_that_the_metastore_forgot_reach_their_day_once(
    clicks: Clicks,
) -> None:
    clicks.create(1)
    for start in (0, 1000):
        clicks.send(numbered(range(start, start + 1000)))
        assert clicks.ingest().failure == ""
        assert clicks.fold().failure == ""
    clicks.pipeline.store(CLICKSTREAM_BATCHES).pointers.drop(["000000000002"])
    clicks.send(numbered(range(2000, 3000)))
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    assert clicks.query(
        "SELECT count(DISTINCT customer_id), count(*), sum(copies) FROM {clicks}"
    ) == [(3000, 3000, 3000)]
    assert clicks.ledger.numbers() == {1, 2, 3}
