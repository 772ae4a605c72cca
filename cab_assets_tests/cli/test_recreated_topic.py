"""A topic that is not the one that was read: created again, or with other records."""

import json

from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets.clickstream.batch import write_batch
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.defs.clickstream.test_open_transaction import fresh
from cab_assets_tests.patience import until


def test_a_topic_created_again_waits_whole_and_is_not_fresh(clicks: Clicks) -> None:
    clicks.create(1)
    clicks.send(numbered(range(5)))
    assert clicks.ingest().failure == ""
    assert fresh(clicks) == (True, 0)
    with clicks.admin() as admin:
        admin.delete_topics([clicks.topic])
        until(lambda: clicks.topic not in admin.list_topics(), 20, "the topic is gone")
    clicks.create(1)
    clicks.send(numbered(range(2)))
    shown = CliRunner().invoke(app, ["lag"]).stdout
    assert "2 records are waiting" in shown
    assert f"topic {clicks.topic} was deleted and created again" in shown
    figures = json.loads(CliRunner().invoke(app, ["lag", "--json"]).stdout)
    assert (figures["lag"], figures["lost"]) == (2, [])
    assert "created again" in figures["stopped"]
    assert fresh(clicks) == (False, 2)


def test_a_topic_that_lost_its_newest_records_and_grew_again_is_not_read_on(
    clicks: Clicks,
) -> None:
    clicks.create(2)
    sent = clicks.send(numbered(range(5)))
    assert clicks.ingest().failure == ""
    (batch,) = clicks.batches()
    end = batch.topics[clicks.topic]
    assert {(each, last.offset) for each, last in end.last_records.items()} == {(0, 2), (1, 1)}
    # As if Hive had read other records at these offsets
    others = {
        each: last.model_copy(update={"timestamp": last.timestamp - 1})
        for each, last in end.last_records.items()
    }
    topics = {clicks.topic: end.model_copy(update={"last_records": others})}
    write_batch(clicks.pipeline.lake, batch.model_copy(update={"topics": topics}))
    clicks.send(numbered([5]), partition=1)
    assert "committed: the record at partition 0, offset 2, partition 1, offset 1 has" in (
        clicks.ingest().failure
    )
    assert "partition 1, offset 1" in CliRunner().invoke(app, ["lag"]).stdout
    assert not fresh(clicks)[0]
    write_batch(clicks.pipeline.lake, batch)
    assert clicks.ingest().failure == ""
    assert len(clicks.places("clickstream")) == len(sent) + 1
