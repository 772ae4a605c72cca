"""From batches into days: nothing is lost or doubled, however and how often days are folded, and
what becomes of the batches then.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from cab_assets.clickstream.seal import seal
from cab_assets.tables.clicks import CLICKS, REJECTS
from cab_assets_tests.clicks import Clicks, Place, event, numbered
from cab_assets_tests.pipeline import Outcome

FIRST, SECOND, THIRD = DAYS = ["2020-03-14", "2020-03-15", "2020-03-16"]
ARRIVED = datetime(2020, 3, 20, tzinfo=UTC)


def on(day: str, customer: int = 1) -> bytes:
    return event(customer_id=str(customer), timestamp=f"{day} 09:59:07")


def arrive(
    clicks: Clicks, minute: int, values: Iterable[bytes | None], *, partition: int
) -> list[Place]:
    """Send records that Kafka takes to have arrived at that minute."""
    moment = ARRIVED + timedelta(minutes=minute)
    return clicks.send(values, partition=partition, timestamp_ms=int(moment.timestamp() * 1000))


def events(clicks: Clicks) -> list[tuple[Any, ...]]:
    """The rows of `clicks`: day, customer, place, minute of arrival, copies."""
    minute = f"(unix_timestamp(kafka_timestamp) - {ARRIVED.timestamp():.0f}) DIV 60"
    return clicks.query(
        f"SELECT event_date, customer_id, kafka_partition, kafka_offset, {minute}, copies FROM"
        " {clicks} ORDER BY 1, 2"
    )


def test_days_folded_in_any_order_and_again_hold_each_event_once_at_its_first_place(
    clicks: Clicks,
) -> None:
    clicks.create(2)
    # An event that was sent twice
    arrive(clicks, 10, [on(FIRST), on(FIRST), on(SECOND), on(THIRD), b"no JSON"], partition=0)
    # And once more elsewhere, at the same time
    arrive(clicks, 10, [on(FIRST), on(SECOND, 2)], partition=1)
    assert clicks.ingest().failure == ""
    assert clicks.fold(SECOND).failure == ""
    assert events(clicks) == [(SECOND, 1, 0, 2, 10, 1), (SECOND, 2, 1, 1, 10, 1)]

    # Sent again, and the first by Kafka's time
    arrive(clicks, 5, [on(SECOND), on(SECOND, 2), on(THIRD, 9)], partition=1)
    arrive(clicks, 20, [on(FIRST), on(THIRD), None], partition=0)
    assert clicks.ingest().failure == ""
    assert clicks.fold(THIRD).failure == ""
    assert clicks.fold(FIRST, SECOND).failure == ""
    assert clicks.fold(FIRST).failure == ""
    expected = [
        (FIRST, 1, 0, 0, 10, 4),
        (SECOND, 1, 1, 2, 5, 2),
        (SECOND, 2, 1, 3, 5, 2),
        (THIRD, 1, 0, 3, 10, 2),
        (THIRD, 9, 1, 4, 5, 1),
    ]
    assert events(clicks) == expected

    versions = {day: clicks.pipeline.versions(CLICKS, day) for day in DAYS}
    assert clicks.fold().failure == ""
    again = clicks.fold(FIRST, THIRD)
    assert again.failure == ""
    assert {again.metadata["clicks", day]["outcome"] for day in DAYS} == {
        "nothing new: already published"
    }
    assert {day: clicks.pipeline.versions(CLICKS, day) for day in DAYS} == versions
    assert events(clicks) == expected
    assert clicks.places("rejects") == clicks.places("clickstream_rejects") == [(0, 4), (0, 7)]


def test_a_day_is_sealed_when_all_that_arrived_is_folded_and_a_late_event_folds_its_own_day_again(
    clicks: Clicks,
) -> None:
    today = datetime.now(UTC).date().isoformat()
    clicks.create(3)
    clicks.send([on(FIRST), on(SECOND), on(today)], partition=0)  # the other partitions are idle
    assert clicks.ingest().failure == ""
    clicks.send([on(FIRST, 2)], partition=0)
    folded = clicks.fold()
    assert {
        day: folded.metadata["clicks", day]["sealed"] for day in (FIRST, SECOND, today)
    } == dict.fromkeys((FIRST, SECOND, today), False)
    assert clicks.ingest().failure == ""
    folded = clicks.fold(FIRST, SECOND)
    assert {day: folded.metadata["clicks", day]["sealed"] for day in (FIRST, SECOND)} == {
        FIRST: True,
        SECOND: True,
    }
    assert clicks.query(
        "SELECT event_date, count(*) FROM {clicks} GROUP BY event_date ORDER BY event_date"
    ) == [(FIRST, 2), (SECOND, 1), (today, 1)]

    clicks.send([on(FIRST, 3), None], partition=0)
    assert clicks.ingest().failure == ""
    clicks.send([on(SECOND, 3)], partition=0)
    folded = clicks.fold()
    assert folded.materialized == {("clicks", FIRST), ("rejects", today)}
    assert counted(folded.metadata["clicks", FIRST]) == {
        "sealed": True,
        "through_batch": 3,
        "records": 3,
        "dagster/partition_row_count": 3,
    }

    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    # Nothing has come since, for a long time
    seal(clicks.pipeline.lake, datetime(2020, 3, 16, 12, tzinfo=UTC))
    silent = clicks.fold()
    assert (silent.failure, silent.materialized) == ("", set())
    assert sealed_by_time(clicks, silent) == {SECOND}


def counted(metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        name: metadata[name]
        for name in ("sealed", "through_batch", "records", "dagster/partition_row_count")
    }


def sealed_by_time(clicks: Clicks, run: Outcome) -> set[str | None]:
    found = [
        each
        for each in clicks.pipeline.instance.fetch_observations(
            dg.AssetKey("clicks"), limit=10
        ).records
        if each.run_id == run.run_id
    ]
    assert {
        record.asset_observation.metadata["sealed"].value
        for record in found
        if record.asset_observation
    } == {True}
    return {record.partition_key for record in found}


def test_batches_that_are_folded_everywhere_leave_and_take_nothing_with_them(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks.create()
    first = clicks.send([on(FIRST), on(SECOND), b"no JSON"])
    assert clicks.ingest().failure == ""
    second = clicks.send([*numbered(range(5), timestamp=f"{FIRST} 10:00:00"), b""])
    assert clicks.ingest().failure == ""
    assert clicks.fold().failure == ""
    assert clicks.ledger.numbers() == {1, 2}  # folded, and young
    third = clicks.send([on(THIRD), on(SECOND, 2)])
    assert clicks.ingest().failure == ""
    clicks.send([b"{}"])
    assert clicks.ingest().failure == ""

    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    assert clicks.fold(THIRD).failure == ""
    assert clicks.ledger.numbers() == {3, 4}  # the second day lacks the third batch
    assert clicks.places("clickstream") == sorted(third)
    assert clicks.fold().failure == ""
    assert clicks.ledger.numbers() == {4}
    assert clicks.places("clickstream") == []
    assert sorted(clicks.places("clicks") + clicks.places("rejects")) == sorted(clicks.in_topic())
    assert set(first + second + third) < set(clicks.in_topic())

    assert clicks.fold().failure == ""  # with nothing left to fold or to retire
    assert "nothing new: all is committed" in clicks.ingest().log
    late = clicks.send([on(FIRST, 9), None])
    assert clicks.ingest().failure == ""
    assert [(batch.number, batch.offsets) for batch in clicks.batches()] == [(4, 1), (5, 2)]
    assert clicks.places("clickstream") + clicks.places("clickstream_rejects") == sorted(late)[
        :1
    ] + sorted({*late[1:], *refused(clicks, 4)})
    assert clicks.fold().failure == ""
    assert clicks.ledger.numbers() == {5}
    assert sorted(clicks.places("clicks") + clicks.places("rejects")) == sorted(clicks.in_topic())
    assert clicks.pipeline.store(CLICKS).pointers.values() == set(DAYS)
    # Midnight may lie between
    assert len(clicks.pipeline.store(REJECTS).pointers.values()) in (1, 2)


def refused(clicks: Clicks, number: int) -> list[Place]:
    rows = clicks.query(
        "SELECT kafka_partition, kafka_offset FROM {clickstream_batches} WHERE batch ="
        f" '{number:012}' AND reasons IS NOT NULL"
    )
    return [(int(row[0]), int(row[1])) for row in rows]
