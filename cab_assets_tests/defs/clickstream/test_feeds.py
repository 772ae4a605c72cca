"""What comes out of the topic is what went in: every kind of record, and every kind of topic."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from cab_assets.clickstream.batch import Range
from cab_assets.schemas import CLICKS, REJECTS
from cab_assets_tests.clicks import EVENT, Clicks, Place, event, numbered
from cab_assets_tests.pipeline import Outcome

MEGABYTE = 1_000_000
NAMES = ["customer_id", "app_version", "os_version", "lat", "lon", "page_id", "button_id"]
NAMES += ["is_button_click", "is_page_view", "is_scroll_up", "is_scroll_down", "event_timestamp"]
ODD = "a\"b\\c\n\td\\n'e; --{}"  # quotes, backslashes, newlines


def lacking(*keys: str) -> bytes:
    return json.dumps({key: value for key, value in EVENT.items() if key not in keys}).encode()


def with_member(member: bytes) -> bytes:
    """One more member, as it is written."""
    return event()[:-1] + b", " + member + b"}"


POISON: list[tuple[bytes | None, list[str]]] = [
    (None, ["value_is_null"]),
    (b"", ["not_json"]),
    (b"no JSON", ["not_json"]),
    (event()[:-1], ["not_json"]),
    (event() + event(), ["not_json"]),
    (b"\x00\x00\x00", ["not_json"]),
    (b"x" * MEGABYTE, ["not_json"]),
    (b"null", ["not_an_object"]),
    (b"42", ["not_an_object"]),
    (b"[" + event() + b"]", ["not_an_object"]),
    (event(page_id="caf?").replace(b"?", b"\xe9"), ["not_utf8"]),
    (b"{}", [f"{name}_missing" for name in NAMES]),
    (lacking("OS_version", "timestamp\n"), ["os_version_missing", "event_timestamp_missing"]),
    (with_member(b'"lat": "16"'), ["lat_twice"]),
    (with_member(b'"timestamp": "2020-03-14 09:59:07"'), ["event_timestamp_twice"]),
    (event().replace(b'"16.4454865"', b'{"degrees": 16}'), ["lat_unusable"]),
    (event(lat="1e400"), ["lat_unusable"]),
    (event().replace(b'"16.4454865"', b"1e400"), ["lat_unusable"]),
    (event(lat="95"), ["lat_unusable"]),
    (event(page_id="a\x00b"), ["page_id_unusable"]),
    (event(timestamp="2020-02-30 10:00:00"), ["event_timestamp_unusable"]),
    (event(timestamp="1970-01-01 00:00:00"), ["event_before_start"]),
    (event(timestamp="9999-12-31 23:59:59"), ["event_in_future"]),
    (
        event(customer_id=ODD, lat="NaN", is_page_view="perhaps", timestamp=ODD),
        [f"{name}_unusable" for name in ("customer_id", "lat", "is_page_view", "event_timestamp")],
    ),
    (event(lon="-181", timestamp="2019-12-31 23:59:59"), ["lon_unusable", "event_before_start"]),
]
KEPT = ["app_version", "OS_version", "page_id", "button_id"]
USABLE: list[tuple[bytes, tuple[Any, ...]]] = [  # and app_version, os_version, page_id, button_id, is_page_view, lat as they are read
    (event(**dict.fromkeys(KEPT, ODD)), (ODD, ODD, ODD, ODD, True, 16.4454865)),
    (event(page_id="x" * MEGABYTE), ("3.2.35", "Android", "x" * MEGABYTE, EVENT["button_id"], True, 16.4454865)),
    (event(extra="1", more="{}", customer_id="1"), ("3.2.35", "Android", EVENT["page_id"], EVENT["button_id"], True, 16.4454865)),
    (with_member(b'"nested": {"lat": 5, "list": [1, {"page_id": 2}]}'), ("3.2.35", "Android", EVENT["page_id"], EVENT["button_id"], True, 16.4454865)),
    (
        lacking("OS_version", "timestamp\n", "lat", "is_page_view")[:-1]
        + b', "os_version": "iOS", "timestamp": "2020-03-14 09:59:07", "lat": -90, "is_page_view": false}',
        ("3.2.35", "iOS", EVENT["page_id"], EVENT["button_id"], False, -90.0),
    ),
]


def quarantine(clicks: Clicks, name: str) -> dict[Place, tuple[bytes | None, str]]:
    """The refused records of a table or view by their place: the bytes they came with, and why they were refused."""
    rows = clicks.query(f"SELECT kafka_partition, kafka_offset, hex(raw_value), concat_ws(' ', reasons) FROM {{{name}}}")
    assert len({row[:2] for row in rows}) == len(rows)
    return {(int(row[0]), int(row[1])): (None if row[2] is None else bytes.fromhex(row[2]), row[3]) for row in rows}


def test_every_kind_of_poison_is_kept_whole_with_all_its_reasons_and_holds_nothing_up(clicks: Clicks) -> None:
    clicks.create()
    poison = dict(zip(clicks.send(value for value, _ in POISON), ((value, " ".join(reasons)) for value, reasons in POISON), strict=True))
    (untimely,) = clicks.send([event()], timestamp_ms=0)  # a producer whose clock begins in 1970
    expected = poison | {untimely: (event(), "event_in_future")}
    run = clicks.ingest()
    assert run.failure == ""
    assert quarantine(clicks, "clickstream_rejects") == expected
    assert clicks.places("clickstream") == []
    assert counted(clicks.metadata(run), "accepted", "rejected", "dates_touched", "first_event") == (0, len(expected), 0, "none")

    usable = dict(zip(clicks.send(value for value, _ in USABLE), (read for _, read in USABLE), strict=True))
    run = clicks.ingest()
    assert run.failure == ""
    columns = "app_version, os_version, page_id, button_id, is_page_view, lat"
    for name in ("clickstream", "clicks"):
        rows = clicks.query(f"SELECT kafka_partition, kafka_offset, {columns} FROM {{{name}}}")
        assert {(row[0], row[1]): row[2:] for row in rows} == usable
        assert clicks.query(f"SELECT DISTINCT CAST(event_timestamp AS string), event_date FROM {{{name}}}") == [("2020-03-14 09:59:07", "2020-03-14")]
        assert name == "clicks" or clicks.fold().failure == ""
    assert counted(clicks.metadata(run), "accepted", "rejected", "extra_keys") == (len(usable), 0, 3)
    assert quarantine(clicks, "rejects") == expected
    assert min(clicks.pipeline.hive.days(REJECTS)) == "1970-01-01"


def counted(metadata: Any, *names: str) -> tuple[Any, ...]:
    return tuple(metadata[name] for name in names)


def test_a_batch_of_280_days_and_too_many_refused_records_is_committed_folded_and_turns_a_check_red(clicks: Clicks) -> None:
    days = [(date(2020, 1, 1) + timedelta(number)).isoformat() for number in range(280)]
    clicks.create()
    clicks.send([*(event(timestamp=f"{day} 12:00:00") for day in days), *[b"no JSON"] * 71])
    run = clicks.ingest()
    assert run.failure == ""
    assert counted(clicks.metadata(run), "dates_touched", "dates") == (280, f"{', '.join(days[:10])} and 270 more")
    assert evaluated(clicks, run) == {"nothing_unaccounted": True, "reject_ratio": False}
    folded = clicks.fold()
    assert folded.failure == ""
    assert {day for asset, day in folded.materialized if asset == "clicks"} == set(days)
    assert clicks.query("SELECT event_date, copies FROM {clicks} ORDER BY 1") == [(day, 1) for day in days]
    assert clicks.pipeline.hive.days(CLICKS) == set(days)
    clicks.send([*numbered(range(80)), *[b"no JSON"] * 20])
    assert evaluated(clicks, clicks.ingest()) == {"nothing_unaccounted": True, "reject_ratio": True}


def evaluated(clicks: Clicks, run: Outcome) -> dict[str, bool]:
    """The checks of a run that committed one batch."""
    entries = clicks.pipeline.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.dagster_event.asset_check_evaluation_data for entry in entries if entry.dagster_event]
    assert len(checks) == 2
    return {check.check_name: check.passed for check in checks}


def test_a_backlog_is_drained_in_bounded_steps_each_visible_and_a_partition_added_since_is_read_from_0(clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAB_MAX_OFFSETS_PER_BATCH", "50")
    clicks.create(3)
    clicks.send(numbered(range(90)), partition=0)
    clicks.send(numbered(range(90)), partition=1)  # the third is idle
    run = clicks.ingest()
    assert run.failure == ""
    clicks.is_whole()
    sizes = [batch.offsets for batch in clicks.batches()]
    assert sizes == [50, 50, 50, 30]
    records = clicks.pipeline.instance.fetch_materializations(dg.AssetKey("clickstream"), limit=10).records[::-1]
    told = [record.asset_materialization.metadata for record in records if record.asset_materialization]
    assert [counted({name: each.value for name, each in one.items()}, "batch", "accepted", "lag_before", "lag_after") for one in told] == [
        (1, 50, 180, 130),
        (2, 50, 130, 80),
        (3, 50, 80, 30),
        (4, 30, 30, 0),
    ]
    assert [f"batch {number + 1}: {size} accepted, 0 refused in" in run.log for number, size in enumerate(sizes)] == [True] * 4

    with clicks.admin() as admin:
        admin.create_partitions({clicks.topic: 5})
    time.sleep(1)
    clicks.send(numbered(range(200, 210)), partition=4)
    assert clicks.ingest().failure == ""
    assert clicks.batches()[-1].ends == {0: 90, 1: 90, 2: 0, 3: 0, 4: 10}
    clicks.is_whole()


def test_each_topic_has_offsets_of_its_own_from_its_oldest_record_on(clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert {topic: end.ends for topic, end in clicks.batches()[-1].topics.items()} == {first: {0: 7}, other: {0: 10}}
    rows = clicks.query("SELECT topic, kafka_offset, customer_id FROM {clickstream}")
    assert sorted(rows) == sorted([*((first, each, each) for each in range(7)), *((other, each, each) for each in range(4, 10))])


def test_offsets_that_are_never_delivered_are_counted_and_held_up_by_nothing(clicks: Clicks) -> None:
    """Markers and records of given-up transactions, and what compaction took out."""
    clicks.create(1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01")
    with clicks.admin() as admin:
        admin.alter_configs([ConfigResource("BROKER", "1", {"log.cleaner.backoff.ms": "200"})])
    keyed(clicks, dict.fromkeys(range(20), b"again"))
    keyed(clicks, {number: b"%d" % number for number in range(100, 105)}, commit=True)
    keyed(clicks, {number: b"%d" % number for number in range(200, 205)}, commit=False)
    last = keyed(clicks, {300: b"last"})
    until(lambda: len(clicks.in_topic()) < 20)
    run = clicks.ingest()
    assert run.failure == ""
    clicks.is_whole()
    assert counted(clicks.metadata(run), "accepted", "undelivered") == (len(clicks.in_topic()), last + 1 - len(clicks.in_topic()))
    assert {row[0] for row in clicks.query("SELECT customer_id FROM {clickstream}")} == {19, 300, *range(100, 105)}

    with transaction(clicks, commit=False) as producer:
        for value in numbered(range(400, 403)):
            producer.send(clicks.topic, value, b"key", partition=0)
        producer.flush()
        assert "nothing new: all is committed" in clicks.ingest().log  # nobody knows yet what becomes of it
    run = clicks.ingest()
    assert run.failure == ""
    assert counted(clicks.metadata(run), "accepted", "rejected", "undelivered") == (0, 0, 4)
    assert clicks.fold().failure == ""
    assert clicks.places("clicks") == clicks.places("clickstream")


def keyed(clicks: Clicks, keys: dict[int, bytes], *, commit: bool | None = None) -> int:
    """Send numbered clicks with these keys, as a transaction that is committed or given up when that is said; where the last one is."""
    with transaction(clicks, commit=commit) as producer:
        *_, last = [producer.send(clicks.topic, value, key, partition=0) for value, key in zip(numbered(keys), keys.values(), strict=True)]
        producer.flush()
        return int(last.get(timeout=20).offset)


@contextmanager
def transaction(clicks: Clicks, *, commit: bool | None) -> Iterator[KafkaProducer]:
    """A producer whose transaction is over at the end of the block; None: it has none."""
    given = {} if commit is None else {"transactional_id": f"{clicks.topic}-{commit}"}
    with closing(KafkaProducer(bootstrap_servers=clicks.servers, **given)) as producer:
        if commit is None:
            yield producer
            return
        producer.init_transactions()
        producer.begin_transaction()
        yield producer
        producer.commit_transaction() if commit else producer.abort_transaction()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)
