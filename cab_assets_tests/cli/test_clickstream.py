import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.settings import CHECKOUT
from cab_assets_tests.clicks import Clicks, event, numbered
from cab_assets_tests.patience import patience

EARLY, TODAY = "2019-06-01 12:00:00", "2020-03-14 09:59:07"


@pytest.fixture
def clicks(clicks: Clicks, tmp_path: Path) -> Clicks:
    """With a Dagster whose records a command can write and this test can read."""
    (tmp_path / "dagster" / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    clicks.create()
    return clicks


def cab(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(app, arguments, env=variables)


def recorded(tmp_path: Path) -> list[dict[str, Any]]:
    """The metadata of what the commands told Dagster of the asset, oldest first."""
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        records = instance.fetch_materializations(dg.AssetKey("clickstream"), limit=10).records
        made = [record.asset_materialization for record in records]
        return [
            {name: value.value for name, value in each.metadata.items()} for each in made if each
        ][::-1]


def trim(clicks: Clicks, partition: int, before: int) -> None:
    """Have the broker forget the records below an offset, as retention does."""
    with closing(KafkaAdminClient(bootstrap_servers=clicks.servers)) as admin:
        admin.delete_records({TopicPartition(clicks.topic, partition): before})


def test_lag_shows_what_is_waiting_in_each_partition(clicks: Clicks) -> None:
    clicks.send(numbered(range(4)))
    clicks.ingest()
    clicks.send(numbered(range(5)), partition=1)
    shown = json.loads(cab("lag", "--json").stdout)
    assert shown["lag"] == 5
    assert [(each["committed"], each["end"], each["lag"]) for each in shown["partitions"]] == [
        (2, 2, 0),
        (1, 6, 5),
        (1, 1, 0),
    ]
    assert "5 records are waiting; newest batch 1, " in cab("lag").stdout


def test_replayed_records_move_from_rejects_to_clicks_at_their_places_and_offsets_stay(
    clicks: Clicks, tmp_path: Path
) -> None:
    early = clicks.send(numbered(range(3), timestamp=EARLY))
    bad = clicks.send([event(lat="95"), event(lat="95", timestamp=EARLY)])
    good = clicks.send(numbered(range(10, 12), timestamp=TODAY))
    clicks.ingest()
    clicks.fold()
    before = clicks.batches()[-1]
    assert "No rejected record passes" in cab("replay-rejects").stdout
    assert (
        "No rejected record passes"
        in cab("replay-rejects", "--reason", "lat_unusable", CAB_START_DATE="2019-01-01").stdout
    )
    assert (
        "batch 2: 3 records that were rejected are now accepted"
        in cab("replay-rejects", CAB_START_DATE="2019-01-01").stdout
    )
    assert "No rejected record passes" in cab("replay-rejects", CAB_START_DATE="2019-01-01").stdout
    assert clicks.batches()[-1].topics == before.topics
    assert recorded(tmp_path)[-1]["kind"] == "replay"
    assert clicks.fold().success
    assert clicks.places("clicks") == sorted(early + good)
    assert clicks.places("rejects") == sorted(bad)


def test_a_replay_does_not_take_rejects_that_hive_lost_for_none(clicks: Clicks) -> None:
    clicks.send(numbered(range(3), timestamp=EARLY))
    clicks.ingest()
    clicks.fold()
    clicks.pipeline.hive.execute(f"DROP TABLE {clicks.pipeline.hive.name('rejects')}")
    hidden = cab("replay-rejects", CAB_START_DATE="2019-01-01")
    assert hidden.exit_code == 1
    assert "#days-that-hive-lost" in hidden.stderr
    assert clicks.fold(sweep=True).failure == ""
    assert "3 records" in cab("replay-rejects", CAB_START_DATE="2019-01-01").stdout


@pytest.mark.faults
def test_two_replays_at_once_never_double_a_record(clicks: Clicks) -> None:
    early = clicks.send(numbered(range(6), timestamp=EARLY))
    clicks.ingest()
    clicks.fold()
    command = [sys.executable, "-c", "from cab_assets.cli.main import app; app()", "replay-rejects"]
    environ = clicks.pipeline.environ(CAB_START_DATE="2019-01-01")
    both = [
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = sorted(each.communicate(timeout=patience(120))[0] for each in both)
    assert said[0].startswith("No rejected record passes")
    assert said[1] == "batch 2: 6 records that were rejected are now accepted\n"
    assert clicks.places("clickstream") == sorted(early)


def test_a_gap_stops_runs_until_it_is_accepted_and_is_then_a_commit_with_nothing_in_it(
    clicks: Clicks, tmp_path: Path
) -> None:
    sent = clicks.send(numbered(range(5)), partition=1)
    assert cab("accept-gap").stdout.strip() == f"{clicks.topic}: no unread records were lost."
    clicks.ingest()
    sent += clicks.send(numbered(range(5)), partition=1)
    trim(clicks, 1, 8)
    stopped = clicks.ingest()
    assert "partition 1: 5 to 7" in stopped.failure
    assert "lost unread: partition 1: 5 to 7" in cab("lag").stdout
    assert "Nothing was changed." in CliRunner().invoke(app, ["accept-gap"], input="n\n").stdout
    assert not clicks.ingest().success
    assert "batch 2: the gap is committed" in cab("accept-gap", "--yes").stdout
    assert clicks.ingest().success
    assert clicks.places("clickstream") == [
        place for place in sorted(sent) if place[1] not in (5, 6, 7)
    ]
    assert recorded(tmp_path)[-1]["offsets"] == {"1": "5 to 8"}
