"""Clicks whose Kafka time or wall clock is far from the present."""

from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets.settings import CHECKOUT
from cab_assets_tests.clicks import Clicks, event, numbered

IN_SECONDS = 1_584_180_000  # 14 March 2020
LAST_EVENING = int(datetime(9999, 12, 31, 20, tzinfo=UTC).timestamp()) * 1000


def test_clicks_with_kafka_times_in_seconds_come_over_with_the_moment_of_reading(
    clicks: Clicks, tmp_path: Path
) -> None:
    (tmp_path / "dagster" / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    clicks.create(1)
    sent = clicks.send(numbered(range(3)), timestamp_ms=IN_SECONDS)
    backfill = clicks.send(numbered(range(5, 7)), timestamp_ms=IN_SECONDS * 1000)
    assert clicks.ingest().failure == ""
    assert (clicks.places("clickstream_rejects"), clicks.places("clickstream")) == (sent, backfill)
    assert clicks.fold().failure == ""
    (day,) = {row[0] for row in clicks.query("SELECT ingest_date FROM {rejects}")}
    assert day > "2020-03-14"
    replayed = CliRunner().invoke(app, ["replay-rejects", "--reason", "kafka_timestamp_unusable"])
    assert "3 records that were rejected are now accepted" in replayed.output
    assert clicks.fold().failure == ""
    assert (clicks.places("rejects"), clicks.places("clicks")) == ([], sorted(sent + backfill))


def test_a_wall_clock_beyond_the_year_9999_does_not_end_ingest(clicks: Clicks) -> None:
    clicks.create(1, message_timestamp_after_max_ms=str(2**63 - 1))
    last = event(timestamp="9999-12-31T23:59:59.5")
    beyond = event(timestamp="9999-12-31T23:59:59-12:00")
    accepted, rejected = clicks.send([last, beyond], timestamp_ms=LAST_EVENING)
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    assert (clicks.places("clicks"), clicks.places("rejects")) == ([accepted], [rejected])
