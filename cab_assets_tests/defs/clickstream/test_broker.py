"""A broker that is down, silent or back, and a topic that is not what it was: nothing is lost,
doubled or taken for another.
"""

from datetime import UTC, datetime, timedelta

import pytest
from kafka import TopicPartition

from cab_assets.clickstream.retire import collect_batches
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.faults import (
    COMMITTING,
    STAGING,
    await_back,
    await_more,
    kill,
    kill_at_file,
    pid_of,
    stopped,
)
from cab_assets_tests.patience import patience

pytestmark = pytest.mark.faults


def trim(clicks: Clicks, ends: dict[int, int]) -> None:
    """Throw away what lies before these offsets, as retention does."""
    with clicks.admin() as admin:
        admin.delete_records(
            {TopicPartition(clicks.topic, partition): end for partition, end in ends.items()}
        )


def test_a_broker_that_falls_silent_fails_the_run_by_name_and_the_next_goes_on(
    clicks: Clicks,
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    with clicks.start(stay=True) as run:
        await_more(clicks.pipeline, COMMITTING, run)
        with stopped(pid_of(clicks.pipeline, "kafka")):
            said = run.communicate(timeout=patience(60))[0]
            failure = clicks.ingest().failure
    assert run.returncode == 1
    assert "KafkaUnavailable: Kafka at" in said
    assert "does not answer" in failure
    clicks.send(numbered(range(1000, 1100)))
    assert clicks.ingest().success
    clicks.is_whole()


def test_a_broker_that_was_killed_and_is_back_loses_nothing(clicks: Clicks) -> None:
    clicks.create()
    clicks.send(numbered(range(20_000)))
    with clicks.start(stay=True, CAB_MAX_OFFSETS_PER_BATCH="2000") as run:
        await_more(clicks.pipeline, STAGING, run)
        kill(clicks.pipeline, "kafka")
        said = run.communicate(timeout=patience(60))[0]
    # 0: it was back in time
    assert run.returncode == 0 or "KafkaUnavailable" in said or "StagingFailed" in said, said
    await_back(clicks.pipeline, "kafka")
    clicks.send(numbered(range(20_000, 20_100)))
    assert clicks.ingest().success
    clicks.is_whole()


def test_partitions_added_between_a_crash_and_the_next_run_are_read_from_their_start(
    clicks: Clicks,
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    assert clicks.ingest().success
    clicks.send(numbered(range(1000, 1100)))
    kill_at_file(clicks, STAGING)
    with clicks.admin() as admin:
        admin.create_partitions({clicks.topic: 5})
        admin.wait_for_topics([clicks.topic])
    clicks.send(numbered(range(2000, 2100)))
    assert clicks.ingest().success
    clicks.is_whole()
    assert len(clicks.batches()[-1].ends) == 5


@pytest.mark.parametrize("sent", [10, 500])
def test_a_topic_deleted_and_created_again_stops_the_run_however_long_it_has_grown(
    clicks: Clicks, sent: int
) -> None:
    clicks.create()
    clicks.send(numbered(range(100)))
    assert clicks.ingest().success
    before = clicks.batches()
    with clicks.admin() as admin:
        admin.delete_topics([clicks.topic])
    clicks.create()
    clicks.send(numbered(range(1000, 1000 + sent)))
    assert f"topic {clicks.topic} was deleted and created again" in clicks.ingest().failure
    assert clicks.batches() == before


def test_records_that_went_unread_stop_the_run_which_names_them(clicks: Clicks) -> None:
    clicks.create()
    clicks.send(numbered(range(30)))
    assert clicks.ingest().success
    clicks.send(numbered(range(1000, 1060)))
    trim(clicks, {0: 5, 1: 25})
    failure = clicks.ingest().failure
    assert (
        f"Kafka deleted records of topic {clicks.topic} before they were read (partition 1: 10"
        " to 24)" in failure
    )
    assert [batch.number for batch in clicks.batches()] == [1]


def test_records_that_go_while_a_run_reads_stop_it_in_time(clicks: Clicks) -> None:
    clicks.create()
    # 20 MB a partition: Spark reads 4 MB at once, and 4 ahead
    sent = clicks.send(numbered(range(3_000), page_id="x" * 20_000))
    with clicks.start(stay=True, CAB_MAX_OFFSETS_PER_BATCH="400") as run:
        await_more(clicks.pipeline, COMMITTING, run)
        trim(
            clicks,
            {partition: sum(where == partition for where, _ in sent) for partition in range(3)},
        )
        said = run.communicate(timeout=patience(60))[0]
    assert run.returncode == 1
    assert f"Kafka deleted records of topic {clicks.topic} before they were read" in said
    assert (
        len(clicks.places("clickstream"))
        == sum(batch.offsets for batch in clicks.batches())
        < len(sent)
    )


def test_a_topic_quiet_for_longer_than_every_retention_goes_on_where_it_was(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    clicks.create()
    places = []
    for first in (0, 1000):
        places += clicks.send(numbered(range(first, first + 30)))
        assert clicks.ingest().success
    trim(clicks, {0: 20, 1: 20, 2: 20})
    for _ in range(2):
        assert clicks.fold().success
        list(
            collect_batches(
                clicks.ledger, active_runs=(), grace=timedelta(0), now=datetime.now(UTC)
            )
        )
    assert [batch.number for batch in clicks.batches()] == [2]
    assert "nothing new: all is committed" in clicks.ingest().log
    places += clicks.send(numbered(range(2000, 2030)))
    assert clicks.ingest().success
    assert clicks.fold().success
    assert clicks.places("clicks") == sorted(places)
