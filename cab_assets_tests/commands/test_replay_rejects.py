"""What `cab replay-rejects` brings over, and how it ends."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from typer.testing import CliRunner, Result

from cab_assets.cli import app
from cab_assets.clickstream import stage
from cab_assets.environment import CHECKOUT
from cab_assets.transforms.clickstream import read_clicks
from cab_assets_tests.clicks import Clicks, event

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
    return rejected.withColumn("reasons", F.array(F.lit("older_rules")))


def test_what_older_rules_rejected_comes_over_in_every_form_that_apps_send(clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(stage, "read_clicks", by_older_rules)
        sent = clicks.send(AS_APPS_SEND_THEM.values())
        assert clicks.ingest().failure == ""
        assert clicks.fold().failure == ""
    assert clicks.places("rejects") == sent
    replayed = replay_rejects("--reason", "older_rules").stdout
    assert f"batch 2: {len(sent)} records that had been refused are accepted" in replayed
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
