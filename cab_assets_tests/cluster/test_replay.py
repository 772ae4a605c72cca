"""The replay of refused records, over a lake on HDFS."""

import pytest

from cab_assets_tests.cli.test_clickstream import (  # noqa: F401
    clicks,
    test_replayed_records_move_from_rejects_to_clicks_at_their_places_and_offsets_stay,
)

pytestmark = pytest.mark.cluster
