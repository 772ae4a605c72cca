"""Folds whose topic is gone, or is another one: batches are folded, and no day is sealed."""

from cab_assets.clickstream.seal import sealed_at
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.patience import until


def test_clicks_are_folded_without_their_topic_and_sealed_by_none_of_its_name(
    clicks: Clicks,
) -> None:
    clicks.create(1)
    sent = clicks.send(numbered(range(3)))
    assert clicks.ingest().failure == ""
    with clicks.admin() as admin:
        admin.delete_topics([clicks.topic])
        until(lambda: clicks.topic not in admin.list_topics(), 20, "the topic is gone")
    folded = clicks.fold()
    assert folded.failure == ""
    assert f"no day is sealed in this run: there is no topic {clicks.topic}" in folded.log
    assert clicks.places("clicks") == sent

    clicks.create(1)
    clicks.send(numbered(range(50, 52)))  # fewer than are committed of the one before
    folded = clicks.fold()
    assert folded.failure == ""
    assert f"no day is sealed in this run: uncommitted clicks in topic {clicks.topic}" in folded.log
    assert sealed_at(clicks.pipeline.lake) is None
