"""What comes out of the topic is what went in, whatever the topic is like."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from cab_assets.clickstream.batch import Range
from cab_assets.tables.clicks import CLICKS
from cab_assets_tests.clicks import Clicks, event, numbered
from cab_assets_tests.patience import patience, until
from cab_assets_tests.pipeline import Outcome


@pytest.mark.soak
def test_a_batch_of_100_days_and_too_many_refused_records_is_committed_folded_and_turns_a_check_red(
    clicks: Clicks,
) -> None:
    days = [(date(2020, 1, 1) + timedelta(number)).isoformat() for number in range(100)]
    clicks.create()
    clicks.send([*(event(timestamp=f"{day} 12:00:00") for day in days), *[b"no JSON"] * 26])
    run = clicks.ingest()
    assert run.failure == ""
    assert counted(clicks.metadata(run), "dates_touched", "dates") == (
        100,
        f"{', '.join(days[:10])} and 90 more",
    )
    assert evaluated(clicks, run) == [
        ("fresh", True),
        ("nothing_unaccounted", True),
        ("reject_ratio", False),
    ]
    folded = clicks.fold()
    assert folded.failure == ""
    assert {day for asset, day in folded.materialized if asset == "clicks"} == set(days)
    assert clicks.query("SELECT event_date, copies FROM {clicks} ORDER BY 1") == [
        (day, 1) for day in days
    ]
    assert clicks.pipeline.store(CLICKS).pointers.values() == set(days)
    clicks.send([*numbered(range(80)), *[b"no JSON"] * 20])
    assert evaluated(clicks, clicks.ingest()) == [
        ("fresh", True),
        ("nothing_unaccounted", True),
        ("reject_ratio", True),
    ]


def counted(metadata: Any, *names: str) -> tuple[Any, ...]:
    return tuple(metadata[name] for name in names)


def evaluated(clicks: Clicks, run: Outcome) -> list[tuple[str, bool]]:
    """The checks of a run, and whether they passed."""
    entries = clicks.pipeline.instance.all_logs(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    checks = [
        entry.dagster_event.asset_check_evaluation_data for entry in entries if entry.dagster_event
    ]
    return sorted((check.check_name, check.passed) for check in checks)


def test_a_backlog_is_drained_in_visible_steps_and_a_new_partition_is_read_from_0(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_MAX_OFFSETS_PER_BATCH", "50")
    clicks.create(3)
    clicks.send(numbered(range(90)), partition=0)
    clicks.send(numbered(range(90)), partition=1)  # the third is idle
    run = clicks.ingest()
    assert run.failure == ""
    clicks.is_whole()
    sizes = [batch.offsets for batch in clicks.batches()]
    assert sizes == [50, 50, 50, 30]
    records = clicks.pipeline.instance.fetch_materializations(
        dg.AssetKey("clickstream"), limit=10
    ).records[::-1]
    told = [
        record.asset_materialization.metadata for record in records if record.asset_materialization
    ]
    assert [
        counted(
            {name: each.value for name, each in one.items()},
            "batch",
            "accepted",
            "lag_before",
            "lag_after",
        )
        for one in told
    ] == [(1, 50, 180, 130), (2, 50, 130, 80), (3, 50, 80, 30), (4, 30, 30, 0)]
    assert [
        f"batch {number + 1}: {size} accepted, 0 rejected in" in run.log
        for number, size in enumerate(sizes)
    ] == [True] * 4

    with clicks.admin() as admin:
        admin.create_partitions({clicks.topic: 5})
        until(lambda: len(admin.describe_topics([clicks.topic])[0]["partitions"]) == 5, 10)
    clicks.send(numbered(range(200, 210)), partition=4)
    assert clicks.ingest().failure == ""
    assert clicks.batches()[-1].ends == {0: 90, 1: 90, 2: 0, 3: 0, 4: 10}
    clicks.is_whole()


def test_each_topic_has_offsets_of_its_own_from_its_oldest_record_on(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = clicks.topic, f"{clicks.topic}-other"
    clicks.create(1)
    empty = clicks.ingest()
    assert (empty.failure, clicks.batches()) == ("", [])
    assert "nothing new: all is committed" in empty.log
    clicks.send(numbered(range(5)))
    assert clicks.ingest().success

    clicks.create(1, topic=other)
    clicks.send(numbered(range(10)), topic=other)
    with clicks.admin() as admin:
        admin.delete_records({TopicPartition(other, 0): 4})
    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", other)
    assert clicks.ingest().failure == ""
    monkeypatch.setenv("CAB_CLICKSTREAM_TOPIC", first)
    clicks.send(numbered(range(5, 7)))
    assert clicks.ingest().failure == ""

    assert [(batch.number, batch.topic, batch.ranges) for batch in clicks.batches()] == [
        (1, first, (Range(partition=0, start=0, end=5),)),
        (2, other, (Range(partition=0, start=4, end=10),)),
        (3, first, (Range(partition=0, start=5, end=7),)),
    ]
    assert {topic: end.ends for topic, end in clicks.batches()[-1].topics.items()} == {
        first: {0: 7},
        other: {0: 10},
    }
    rows = clicks.query("SELECT topic, kafka_offset, customer_id FROM {clickstream}")
    assert sorted(rows) == sorted(
        [
            *((first, each, each) for each in range(7)),
            *((other, each, each) for each in range(4, 10)),
        ]
    )


def test_offsets_that_are_never_delivered_are_counted_and_held_up_by_nothing(
    clicks: Clicks,
) -> None:
    """Markers and records of given-up transactions, and what compaction took out."""
    clicks.create(1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01")
    with clicks.admin() as admin:
        admin.alter_configs([ConfigResource("BROKER", "1", {"log.cleaner.backoff.ms": "200"})])
    keyed(clicks, dict.fromkeys(range(20), b"again"))
    keyed(clicks, {number: b"%d" % number for number in range(100, 105)}, commit=True)
    keyed(clicks, {number: b"%d" % number for number in range(200, 205)}, commit=False)
    last = keyed(clicks, {300: b"last"})
    until(lambda: len(clicks.in_topic()) < 20, 60, "the cleaner has compacted the topic")
    run = clicks.ingest()
    assert run.failure == ""
    clicks.is_whole()
    assert counted(clicks.metadata(run), "accepted", "undelivered") == (
        len(clicks.in_topic()),
        last + 1 - len(clicks.in_topic()),
    )
    assert {row[0] for row in clicks.query("SELECT customer_id FROM {clickstream}")} == {
        19,
        300,
        *range(100, 105),
    }

    with transaction(clicks, commit=False) as producer:
        for value in numbered(range(400, 403)):
            producer.send(clicks.topic, value, b"key", partition=0)
        producer.flush()
        # Nobody knows yet what becomes of it
        assert "nothing new: all is committed" in clicks.ingest().log
    run = clicks.ingest()
    assert run.failure == ""
    assert counted(clicks.metadata(run), "accepted", "rejected", "undelivered") == (0, 0, 4)
    assert clicks.fold().failure == ""
    assert clicks.places("clicks") == clicks.places("clickstream")


def keyed(clicks: Clicks, keys: dict[int, bytes], *, commit: bool | None = None) -> int:
    """Send numbered clicks with these keys, as a transaction that is committed or given up when
    that is said; where the last one is.
    """
    with transaction(clicks, commit=commit) as producer:
        *_, last = [
            producer.send(clicks.topic, value, key, partition=0)
            for value, key in zip(numbered(keys), keys.values(), strict=True)
        ]
        producer.flush()
        return int(last.get(timeout=patience(20)).offset)


@contextmanager
def transaction(clicks: Clicks, *, commit: bool | None, **given: Any) -> Iterator[KafkaProducer]:
    """A producer whose transaction is over at the end of the block; None: it has none."""
    given |= (
        {}
        if commit is None
        else {"transactional_id": f"{clicks.topic}-{commit}", "transaction_timeout_ms": 600_000}
    )
    with closing(KafkaProducer(bootstrap_servers=clicks.servers, **given)) as producer:
        if commit is None:
            yield producer
            return
        producer.init_transactions()
        producer.begin_transaction()
        yield producer
        producer.commit_transaction() if commit else producer.abort_transaction()


def test_how_far_ahead_a_click_may_be_and_which_days_there_are_is_told_by_the_clock_of_the_business(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks.create(partitions=1)
    ahead = datetime.now(UTC) + timedelta(hours=34)
    day, click = f"{ahead:%Y-%m-%d}", event(timestamp=f"{ahead:%Y-%m-%d %H:%M:%S}")
    first = clicks.send([click])
    with monkeypatch.context() as there:
        there.setenv("CAB_TIMEZONE", "Pacific/Kiritimati")  # 14 hours ahead of UTC
        assert clicks.ingest().failure == ""
    # Days are fixed when a process loads its definitions
    ended = clicks.execute("clickstream_fold", day=day, CAB_TIMEZONE="Pacific/Kiritimati")
    assert ended.returncode == 0, ended.stderr
    assert clicks.places("clicks") == first
    second = clicks.send([click])
    assert clicks.ingest().failure == ""
    assert (clicks.places("clickstream"), clicks.places("clickstream_rejects")) == (first, second)
