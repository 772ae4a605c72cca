"""Records behind a transaction that nobody ends: the broker has them, and delivers none."""

import json
from datetime import UTC, datetime

import dagster as dg
import pytest
from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets.cli.trials import sources
from cab_assets.cli.trials.trials import Trials
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.defs.clickstream.test_feeds import transaction
from cab_assets_tests.defs.clickstream.test_sensors import commit, tick

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAIT = (
    "partition 0: 51 records wait behind an open transaction at offset 3, since 2026-01-02"
    " 03:04:05 UTC"
)


def fresh(clicks: Clicks) -> tuple[bool, int]:
    """Whether the check `fresh` passes when the topic is looked at now, and how many records it
    says wait.
    """
    assert clicks.pipeline.job("observe_clicks").failure == ""
    return last_fresh(clicks)


def last_fresh(clicks: Clicks) -> tuple[bool, int]:
    """The same, of when the check was last decided."""
    (record,) = clicks.pipeline.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("clickstream"), "fresh"), limit=1
    )
    assert record.event
    assert record.event.dagster_event
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    return evaluation.passed, int(str(evaluation.metadata["waiting_records"].value))


def test_records_behind_an_open_transaction_are_told_of_everywhere(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_FRESH_MINUTES", "0")
    clicks.create(1)
    clicks.send(numbered(range(3)))
    commit(clicks)
    assert [fresh(clicks) for _ in range(2)] == [(True, 0)] * 2
    with transaction(clicks, commit=True) as producer:
        producer.send(
            clicks.topic, numbered([3])[0], partition=0, timestamp_ms=int(SINCE.timestamp() * 1000)
        )
        producer.flush()
        clicks.send(numbered(range(4, 54)))
        said, _ = tick(clicks)
        assert (
            said
            == f"All offsets of {clicks.topic} are committed (sum of the end offsets: 3). Kafka"
            f" does not deliver yet: {WAIT}"
        )
        assert WAIT in CliRunner().invoke(app, ["lag"]).stdout
        (held,) = json.loads(CliRunner().invoke(app, ["lag", "--json"]).stdout)["held"]
        assert held == {"partition": 0, "offset": 3, "records": 51, "since": SINCE.isoformat()}
        assert WAIT in sources.kafka(Trials(clicks.pipeline.env))
        fresh(clicks)
        assert fresh(clicks) == (False, 51)
    assert "open transaction" not in CliRunner().invoke(app, ["lag"]).stdout
    commit(clicks)
    assert fresh(clicks) == (True, 0)
