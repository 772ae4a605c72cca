"""A topic that was deleted and created again: what is said of it beside the run that it stops."""

import json

from typer.testing import CliRunner

from cab_assets.cli.main import app
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
