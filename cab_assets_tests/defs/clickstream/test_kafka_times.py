"""Records whose Kafka time is in another unit, as of a producer that counts micro- or
nanoseconds.
"""

import re
from datetime import UTC, datetime

from kafka import TopicPartition
from typer.testing import CliRunner

from cab_assets.cli.main import app
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.defs.clickstream.test_poison import quarantine

MICROSECONDS, NANOSECONDS = 1_584_180_000_000_000, 1_584_180_000_000_000_000
LAST_BUT_ONE_DAY = int(datetime(9999, 12, 30, 12, tzinfo=UTC).timestamp() * 1000)
ANY_TIME = {"message_timestamp_after_max_ms": str(2**63 - 1)}  # as brokers before 3.6 have it


def test_a_kafka_time_in_microseconds_is_rejected_and_holds_nothing_up(clicks: Clicks) -> None:
    clicks.create(1, **ANY_TIME)
    good = clicks.send(numbered(range(3)))
    (bad,) = clicks.send(numbered([3]), timestamp_ms=MICROSECONDS)
    good += clicks.send(numbered(range(4, 6)))
    before = datetime.now(UTC).date().isoformat()
    assert clicks.ingest().failure == ""
    days = (before, datetime.now(UTC).date().isoformat())
    assert clicks.fold().failure == ""
    assert clicks.places("clicks") == good
    assert quarantine(clicks, "rejects") == {bad: (numbered([3])[0], "kafka_timestamp_unusable")}
    assert clicks.query("SELECT ingest_date FROM {rejects}")[0][0] in days


def test_a_rejected_record_of_the_last_but_one_day_does_not_fail_the_fold(clicks: Clicks) -> None:
    clicks.create(1, **ANY_TIME)
    (bad,) = clicks.send([b"no JSON"], timestamp_ms=LAST_BUT_ONE_DAY)
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    assert clicks.query("SELECT kafka_offset, ingest_date FROM {rejects}") == [
        (bad[1], "9999-12-30")
    ]


def test_kafka_times_in_nanoseconds_are_named_and_passed_by_one_command(clicks: Clicks) -> None:
    clicks.create(2, **ANY_TIME)
    other = clicks.send(numbered(range(100, 103)), partition=1)
    with clicks.admin() as admin:  # as retention does, before anything was read
        admin.delete_records({TopicPartition(clicks.topic, 1): 2})
    good = clicks.send(numbered(range(3)), partition=0)
    clicks.send(numbered([3]), partition=0, timestamp_ms=NANOSECONDS)
    good += clicks.send(numbered(range(4, 6)), partition=0)
    clicks.send(numbered(range(6, 9)), partition=0, timestamp_ms=NANOSECONDS)
    good += clicks.send(numbered([9]), partition=0)
    failure = clicks.ingest().failure
    assert "partition 0, offset 3" in failure
    command = re.search(r"`cab (accept-gap --record \d+:\d+)`", failure)
    assert command
    readable = CliRunner().invoke(app, ["accept-gap", "--record", "0:2", "--yes"])
    assert "partition 0, offset 2 is not a record that Spark fails to read" in readable.output
    passed = CliRunner().invoke(app, [*command[1].split(), "--yes"])
    assert passed.exit_code == 0, passed.output
    assert clicks.batches()[-1].ends == {0: 9, 1: 2}
    assert clicks.ingest().failure == ""
    assert clicks.places("clickstream") == sorted(good + other[2:])
    assert clicks.batches()[-1].ends == {0: 10, 1: 3}
