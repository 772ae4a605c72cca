"""What `cab replay-rejects` brings over, and how it ends."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from kafka import TopicPartition
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.clickstream import replay, stage
from cab_assets.clickstream.batch import batch_path
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.manual import new_folder
from cab_assets.clickstream.replay import Replay
from cab_assets.clickstream.retire import collect_batches
from cab_assets.settings import CHECKOUT
from cab_assets.tables.clicks import REJECTS
from cab_assets.transforms.clickstream import read_clicks
from cab_assets.transforms.reasons import TIME_UNUSABLE
from cab_assets_tests.clicks import Clicks, Place, event, numbered

NEVER = date(2999, 1, 1)
AS_APPS_SEND_THEM = {
    "2020-03-14T09:59:07.250Z": event(timestamp="2020-03-14T09:59:07.250Z"),
    "1584179948": event(timestamp="1584179948"),
    "without a position": event(lat="", lon=""),
    "other flags": event(is_page_view="TRUE", is_scroll_up="0"),
    "byte order mark": b"\xef\xbb\xbf" + event(customer_id="7"),
}


@pytest.fixture
def clicks(clicks: Clicks, tmp_path: Path) -> Clicks:
    """With a Dagster whose records a command can write, and a topic of one partition."""
    (tmp_path / "dagster" / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    clicks.create(1)
    return clicks


def replay_rejects(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(app, ["replay-rejects", *arguments], env=variables)


def by_older_rules(records: DataFrame, *, start_date: date, zone: str) -> DataFrame:  # noqa: ARG001
    """Read records as rules did by which none of them was usable."""
    rejected = read_clicks(records, start_date=NEVER, zone=zone)
    # The reader has replaced the times, which all are before the start
    return rejected.withColumn("reasons", F.array(F.lit("older_rules"), F.lit(TIME_UNUSABLE)))


def test_what_older_rules_rejected_comes_over_in_every_form_that_apps_send(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(stage, "read_clicks", by_older_rules)
        sent = clicks.send(AS_APPS_SEND_THEM.values())
        assert clicks.ingest().failure == ""
        assert clicks.fold().failure == ""
    assert clicks.places("rejects") == sent
    unknown = replay_rejects("--reason", "lat_unusible")
    assert unknown.exit_code == 2, unknown.output
    assert "older_rules" in unknown.output
    none_of_it = replay_rejects("--reason", "lat_unusable")
    assert (none_of_it.exit_code, none_of_it.stdout[:33]) == (
        0,
        "No rejected record passes the cur",
    )
    replayed = replay_rejects("--reason", "older_rules").stdout
    assert f"batch 2: {len(sent)} records that were rejected are now accepted" in replayed
    assert clicks.batches()[-1].contents.without_position == 1
    assert clicks.fold().failure == ""
    assert (clicks.places("rejects"), clicks.places("clicks")) == ([], sent)
    read = "CAST(event_timestamp AS string), lat, is_page_view, is_scroll_up, customer_id"
    rows = clicks.query(f"SELECT {read} FROM {{clicks}} ORDER BY kafka_offset")
    assert rows == [
        ("2020-03-14 09:59:07.25", 16.4454865, True, False, 26564820),
        ("2020-03-14 09:59:08", 16.4454865, True, False, 26564820),
        ("2020-03-14 09:59:07", None, True, False, 26564820),
        ("2020-03-14 09:59:07", 16.4454865, True, False, 26564820),
        ("2020-03-14 09:59:07", 16.4454865, True, False, 7),
    ]


def early(clicks: Clicks, count: int) -> list[Place]:
    """Send clicks that are usable from another start date on, have them rejected and folded.

    Their places.
    """
    sent = clicks.send(numbered(range(count), timestamp="2019-06-01 12:00:00"))
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    return sent


def collected(clicks: Clicks, after: timedelta) -> list[str]:
    """What housekeeping without a grace deletes, `after` this moment."""
    now = datetime.now(UTC) + after
    found = collect_batches(clicks.ledger, grace=timedelta(0), now=now, active_runs=())
    return [each.path for each in found]


def test_housekeeping_leaves_the_folder_of_a_replay_alone_for_a_day(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = early(clicks, 3)
    write = Replay._write
    of_killed = batch_path(new_folder("replay"))
    clicks.pipeline.lake.make_folder(of_killed)

    def write_and_collect(*arguments: Any) -> None:
        write(*arguments)
        assert collected(clicks, timedelta(0)) == []

    monkeypatch.setattr(Replay, "_write", write_and_collect)
    replayed = replay_rejects(CAB_START_DATE="2019-01-01")
    assert "batch 2: 3 records" in replayed.stdout, replayed.output
    assert clicks.places("clickstream") == sent
    assert clicks.fold().failure == ""
    assert clicks.places("clicks") == sent
    assert of_killed in collected(clicks, timedelta(hours=25))


@pytest.mark.faults
def test_a_replay_whose_version_of_rejects_is_deleted_under_it_reads_the_newest(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = early(clicks, 3)
    stage, lake = Replay._stage, clicks.pipeline.lake
    more: list[Place] = []  # of which none becomes usable

    def delete_and_stage(*arguments: Any) -> Any:
        if not more:
            (day,) = clicks.pipeline.store(REJECTS).pointers.values()
            stored = clicks.pipeline.store(REJECTS).day(day)
            (version,) = stored.version_ids()
            more.extend(clicks.send([b"no JSON"]))
            assert clicks.ingest().failure == ""
            assert clicks.fold().failure == ""
            lake.files.delete_dir(stored.folder(version))
        return stage(*arguments)

    monkeypatch.setattr(Replay, "_stage", delete_and_stage)
    replayed = replay_rejects(CAB_START_DATE="2019-01-01")
    assert "batch 3: 3 records" in replayed.stdout, replayed.output
    assert clicks.places("clickstream") == sent


def test_a_replay_goes_on_for_as_many_batches_as_it_takes(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent = early(clicks, 4)
    monkeypatch.setattr(replay, "PLACES_A_COMMIT", 1)
    monkeypatch.setattr(replay, "TRIES", 2)
    replayed = replay_rejects(CAB_START_DATE="2019-01-01")
    assert (replayed.exit_code, len(replayed.stdout.splitlines())) == (0, 4), replayed.output
    assert clicks.places("clickstream") == sent
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        shown = instance.fetch_materializations(dg.AssetKey("clickstream"), limit=10)
    assert len(shown.records) == 4


@pytest.mark.faults
def test_a_replay_that_others_keep_overtaking_ends_with_an_error(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    early(clicks, 1)
    monkeypatch.setattr(replay, "TRIES", 1)
    monkeypatch.setattr(Ledger, "commit", lambda *_: None)
    replayed = replay_rejects(CAB_START_DATE="2019-01-01")
    assert replayed.exit_code == 1
    assert "another replay has committed the same records first, 1 times" in replayed.output


def test_a_command_that_cannot_be_recorded_commits_nothing(clicks: Clicks, tmp_path: Path) -> None:
    early(clicks, 1)
    clicks.send(numbered(range(5)))
    with clicks.admin() as admin:
        admin.delete_records({TopicPartition(clicks.topic, 0): 3})
    nowhere = {"DAGSTER_HOME": str(tmp_path / "nowhere"), "CAB_START_DATE": "2019-01-01"}
    for command in (["replay-rejects"], ["accept-gap", "--yes"]):
        done = CliRunner().invoke(app, command, env=nowhere)
        assert done.exit_code == 1
        assert "Check DAGSTER_HOME. Nothing was changed" in done.output
    assert [batch.number for batch in clicks.batches()] == [1]
