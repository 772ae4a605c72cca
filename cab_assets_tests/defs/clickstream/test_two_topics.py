"""Two topics in one lake: what one of them still holds keeps days open, whichever of them a fold is
configured for.
"""

import pytest
from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets.clickstream.seal import sealed_at
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.defs.clickstream.test_open_transaction import fresh, last_fresh


def test_no_day_is_sealed_while_clicks_wait_in_another_topic(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_FRESH_MINUTES", "0")
    first, other = clicks.topic, f"{clicks.topic}-other"
    for topic in (first, other):
        clicks.create(1, topic=topic)
        clicks.send(numbered(range(3)), topic=topic)
        monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", topic)
        assert clicks.ingest().failure == ""
    clicks.send(numbered(range(3, 5)), topic=other)
    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", first)
    folded = clicks.fold()
    assert folded.failure == ""
    assert f"uncommitted clicks in topic {other}" in folded.log
    waiting = f"{other}: 2 records of this topic, which was read before, are waiting"
    assert waiting in CliRunner().invoke(app, ["lag"]).stdout
    assert [fresh(clicks)[0], fresh(clicks)] == [True, (False, 2)]
    assert clicks.ingest().failure == ""
    assert last_fresh(clicks) == (False, 2)
    assert sealed_at(clicks.pipeline.lake) is None

    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", other)
    assert clicks.ingest().failure == ""
    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", first)
    assert fresh(clicks) == (True, 0)
    assert clicks.fold().failure == ""
    sealed = sealed_at(clicks.pipeline.lake)
    assert sealed

    clicks.send(numbered(range(5, 7)), topic=other)
    with clicks.admin() as admin:
        admin.delete_topics([other])
    assert clicks.fold().failure == ""
    again = sealed_at(clicks.pipeline.lake)
    assert again
    assert again > sealed
