import gc
import logging
import socket
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from kafka import TopicPartition

from cab_assets import environment
from cab_assets.clickstream.batch import (
    Batch,
    BatchContents,
    Range,
    TopicEnd,
    batch_path,
    committed_ends,
)
from cab_assets.clickstream.errors import ForeignBatch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import Hive
from cab_assets.clients.kafka_client import KafkaFailed
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import TopicState
from cab_assets.defs.clickstream.assets import DAYS, STREAM, TOPIC
from cab_assets.defs.clickstream.sensors import clicks_sensor, clickstream_sensor, seconds_to_wait
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.patience import until, within

INGEST, FOLD = "clickstream_ingest", "clickstream_fold"
STAY = {"ops": {"click_batches": {"config": {"stay": True}}}}
EVERY_DAY = {"ops": {"click_days": {"config": {"all_due": True}}}}
WAITING, STARTED, FAILURE = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.FAILURE,
)


def tick(
    clicks: Clicks, sensor: Any = clickstream_sensor, *, cursor: str | None = None, **other: Any
) -> tuple[Any, str | None]:
    """What the sensor says in one tick, the run configs it asks for or its sentence, and its cursor
    after it.
    """
    env, pipeline = clicks.pipeline.env, clicks.pipeline
    resources = {
        "environment": env,
        "click_topic": ClickTopic(clicks.servers, clicks.topic),
        "lake": pipeline.lake,
        "hive_in_brief": pipeline.hive,
    }
    needed = {
        name: each
        for name, each in {**resources, **other}.items()
        if name in sensor.required_resource_keys
    }
    with dg.build_sensor_context(
        instance=pipeline.instance, cursor=cursor, resources=needed
    ) as context:
        said = sensor(context)
        if isinstance(said, dg.SkipReason):
            return said.skip_message, context.cursor
        for event in said.asset_events:
            pipeline.instance.report_runless_asset_event(event)
        return [request.run_config for request in said.run_requests], said.cursor or context.cursor


def commit(clicks: Clicks, *, until: int | None = None) -> Batch:
    """All that the topic holds, or each partition up to an offset, as a batch whose files nobody
    wrote.
    """
    ledger, state = clicks.ledger, ClickTopic(clicks.servers, clicks.topic).look()
    ledger.create()
    newest = ledger.newest()
    starts, folder = (
        committed_ends(newest, clicks.topic) or state.begins,
        f"made-up-{newest.number if newest else 0}",
    )
    ledger.lake.files.create_dir(batch_path(folder))
    batch = Batch(
        number=0,
        folder=folder,
        previous=None,
        topic=clicks.topic,
        ranges=tuple(
            Range(partition=each, start=starts[each], end=end if until is None else until)
            for each, end in state.ends.items()
        ),
        contents=BatchContents(),
        topics={clicks.topic: TopicEnd(id=state.id, ends={})},
        run_id="run",
        written=datetime.now(UTC),
    )
    done = ledger.commit(batch, newest)
    assert done
    return done


def test_one_run_is_asked_for_when_records_are_waiting_and_nothing_hangs_on_the_cursor(
    clicks: Clicks,
) -> None:
    clicks.create()
    # And there was no table yet
    committed = f"All offsets of {clicks.topic} are committed (sum of the end offsets: {{}})."
    assert tick(clicks) == (committed.format(0), "0")
    clicks.send(numbered(range(5)))
    assert tick(clicks) == ([STAY], "0")
    seen = clicks.pipeline.instance.fetch_observations(TOPIC, limit=1).records[0].asset_observation
    assert seen
    assert {name: seen.metadata[name].value for name in ("topic", "lag", "end_offsets")} == {
        "topic": clicks.topic,
        "lag": 5,
        "end_offsets": {"0": 2, "1": 2, "2": 1},
    }
    commit(clicks)
    said = (committed.format(5), "1")
    assert [tick(clicks, cursor=cursor) for cursor in ("0", "1", "99", None)] == [said] * 4
    clicks.send(numbered([5]))
    assert [tick(clicks, cursor=cursor) for cursor in ("0", "1", None)] == [([STAY], "1")] * 3


def test_no_run_is_asked_for_while_one_is_in_progress(clicks: Clicks) -> None:
    clicks.create()
    clicks.send(numbered(range(3)))
    instance = clicks.pipeline.instance
    cases: list[tuple[Any, bool]] = [
        ({"job_name": INGEST, "status": FAILURE}, False),
        ({"job_name": FOLD, "status": STARTED}, False),
        ({"job_name": INGEST, "status": STARTED}, True),
        ({"job_name": INGEST, "status": WAITING}, True),
        ({"job_name": "__ASSET_JOB", "status": STARTED, "asset_selection": {STREAM}}, True),
    ]
    for given, in_progress in cases:
        run_id = instance.add_run(dg.DagsterRun(**given)).run_id
        assert tick(clicks)[0] == (
            f"Run {run_id} is already in progress." if in_progress else [STAY]
        ), given
        instance.delete_run(run_id)


# kafka-python forgets them when it gives up
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.faults
def test_a_server_that_is_silent_or_gone_is_given_up_within_five_seconds(
    clicks: Clicks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kafka")  # what it logs keeps those sockets
    clicks.create()
    clicks.ledger.create()
    # Takes connections, and says nothing
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        for servers in (f"127.0.0.1:{port}", "127.0.0.1:1"):
            said = in_time(clicks, click_topic=ClickTopic(servers, clicks.topic))
            assert said.startswith(f"Kafka at {servers} does not answer (")
        with closing(Hive(f"hive://cab@127.0.0.1:{port}/cab", answer_seconds=1)) as hive:
            assert in_time(clicks, hive_in_brief=hive).startswith(
                f"HiveServer2 at 127.0.0.1:{port} does not answer ("
            )
            assert in_time(clicks, clicks_sensor, hive_in_brief=hive).startswith(
                f"HiveServer2 at 127.0.0.1:{port} does not answer ("
            )
    assert in_time(clicks, click_topic=ClickTopic(clicks.servers, "nothing")).startswith(
        f"there is no topic nothing at {clicks.servers}; create it, "
    )
    until(
        lambda: not any(thread.name.startswith("kafka-io") for thread in threading.enumerate()),
        5,
        "a thread that was not waited for gives up too",
    )
    gc.collect()


def in_time(clicks: Clicks, sensor: Any = clickstream_sensor, **other: Any) -> str:
    with within(5):
        return str(tick(clicks, sensor, **other)[0])


def test_records_that_were_lost_unread_fail_one_run_by_name_and_then_wait_for_somebody(
    clicks: Clicks,
) -> None:
    clicks.create(1)
    clicks.send(numbered(range(10)))
    commit(clicks, until=3)
    with clicks.admin() as admin:
        admin.delete_records({TopicPartition(clicks.topic, 0): 6})
    asked, cursor = tick(clicks, cursor="1")
    assert asked == [{}]
    lost = (
        f"Kafka deleted records of topic {clicks.topic} before they were read (partition 0: 3 to 5)"
    )
    assert lost in clicks.ingest().failure
    assert clicks.ledger.numbers() == {1}
    said, after = tick(clicks, cursor=cursor)
    assert said.startswith("No run requested: the last run failed with an error that a new run")
    assert f"; the sensor continues by itself: {lost}" in said
    assert after == cursor
    assert tick(clicks)[0] == [{}]  # without a cursor it is news again

    with clicks.admin() as admin:
        admin.delete_topics([clicks.topic])
    clicks.create(1)
    clicks.send(numbered(range(20)))  # further than it was
    asked, cursor = tick(clicks, cursor=cursor)
    assert asked == [{}]  # another trouble is news too
    assert (
        f"topic {clicks.topic} was deleted and created again, or CAB_KAFKA_BOOTSTRAP_SERVERS points"
        in clicks.ingest().failure
    )
    assert "; the sensor continues by itself: topic" in tick(clicks, cursor=cursor)[0]
    assert clicks.ledger.numbers() == {1}


def test_after_three_failed_runs_in_a_row_the_next_one_is_asked_for_after_a_pause(
    clicks: Clicks,
) -> None:
    clicks.create()
    clicks.send(numbered(range(3)))
    instance, failed, good = (
        clicks.pipeline.instance,
        dg.DagsterEventType.RUN_FAILURE,
        dg.DagsterEventType.RUN_SUCCESS,
    )
    for ended in (failed, failed, good, failed, failed):
        over(instance, INGEST, started_ago=20, took=10, ended=ended)
        assert tick(clicks)[0] == [STAY]
    over(instance, INGEST, started_ago=20, took=10, ended=failed)
    assert str(tick(clicks)[0]).startswith("The last 3 runs failed; the next run is requested in ")
    over(instance, INGEST, started_ago=50, took=10, ended=failed)
    assert tick(clicks)[0] == [STAY]


def test_days_are_folded_when_there_are_new_batches_after_a_while_and_by_one_run(
    clicks: Clicks,
) -> None:
    clicks.create()
    instance = clicks.pipeline.instance
    assert tick(clicks, clicks_sensor)[0] == "No batch was ever committed."
    clicks.send(numbered(range(3)))
    commit(clicks)
    assert tick(clicks, clicks_sensor) == ([EVERY_DAY], "1")
    for given in ({"job_name": FOLD}, {"job_name": "__ASSET_JOB", "asset_selection": {DAYS}}):
        run = instance.add_run(dg.DagsterRun(**given, status=STARTED))
        assert tick(clicks, clicks_sensor)[0] == f"Run {run.run_id} is already in progress."
        instance.delete_run(run.run_id)
    fold(instance, started_ago=60, took=10)
    said, cursor = tick(clicks, clicks_sensor)
    # 840 seconds: 15 minutes after the last one began
    assert said.startswith("1 new batches; the next fold is in 8")
    assert cursor is None
    assert str(tick(clicks, clicks_sensor, cursor="1")[0]).startswith(
        "0 new batches; the next fold is in 35"
    )
    fold(instance, started_ago=20 * 60, took=10)
    assert tick(clicks, clicks_sensor) == ([EVERY_DAY], "1")
    assert str(tick(clicks, clicks_sensor, cursor="1")[0]).startswith(
        "0 new batches; the next fold is in 2"
    )
    fold(instance, started_ago=20 * 60, took=10, ended=dg.DagsterEventType.RUN_FAILURE)
    # What it was asked for is still to do
    assert tick(clicks, clicks_sensor, cursor="1") == ([EVERY_DAY], "1")
    fold(instance, started_ago=61 * 60, took=10)
    # There may be days to seal
    assert tick(clicks, clicks_sensor, cursor="1") == ([EVERY_DAY], "1")


def fold(
    instance: dg.DagsterInstance,
    *,
    started_ago: float,
    took: float,
    ended: dg.DagsterEventType = dg.DagsterEventType.RUN_SUCCESS,
) -> None:
    """The latest fold, over and done with."""
    over(instance, FOLD, started_ago=started_ago, took=took, ended=ended)


def over(
    instance: dg.DagsterInstance,
    job: str,
    *,
    started_ago: float,
    took: float,
    ended: dg.DagsterEventType,
) -> None:
    """The latest run of a job, over and done with."""
    run = instance.add_run(dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.STARTING))
    ends = {dg.DagsterEventType.RUN_START: started_ago, ended: started_ago - took}
    for kind, ago in ends.items():
        instance.report_dagster_event(
            dg.DagsterEvent(event_type_value=kind.value, job_name=job),
            run.run_id,
            timestamp=time.time() - ago,
        )


class EmptyTopic(ClickTopic):
    def look(self) -> TopicState:
        return TopicState("one", {0: 0}, {0: 0})


class FailingTopic(ClickTopic):
    def look(self) -> TopicState:
        raise KafkaFailed("Kafka at kafka:9092 answers with an error")


class FailingLake(Lake):
    def read(self, path: str) -> bytes:  # noqa: ARG002
        raise ForeignBatch("batch 3 points elsewhere")


@pytest.mark.parametrize(
    ("sensor", "topic", "says"),
    [
        (clickstream_sensor, FailingTopic, "Kafka at kafka:9092 answers with an error"),
        (clickstream_sensor, EmptyTopic, "batch 3 points elsewhere"),
        (clicks_sensor, EmptyTopic, "batch 3 points elsewhere"),
    ],
)
def test_an_error_of_ours_skips_the_tick_and_leaves_the_cursor(
    sensor: dg.SensorDefinition,
    topic: type[ClickTopic],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if topic is FailingTopic:
        monkeypatch.setattr(Ledger, "newest", lambda *_: None)
    resources = {
        "environment": environment.read({"CAB_HOME": str(tmp_path)}),
        "click_topic": topic("kafka:9092", "clicks"),
        "lake": FailingLake(f"file://{tmp_path}"),
        "hive_in_brief": Hive("hive://cab@127.0.0.1:1/cab"),
    }
    needed = {name: resources[name] for name in sensor.required_resource_keys}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, cursor="7", resources=needed) as context,
    ):
        said = sensor(context)
        assert (said, context.cursor) == (dg.SkipReason(says), "7")


# And no more than a tenth of the time: ten times what the last one took, but at most an hour
@pytest.mark.parametrize(
    ("last", "minutes", "seconds"),
    [
        ((0, 0), 15, 0),  # there was none
        ((10_000, 10_010), 15, 890),
        ((10_000, 10_005), 0, 40),
        ((9_000, 10_000), 15, 3_590),
        ((9_000, 9_050), 15, 0),
    ],
)
def test_folding_takes_a_tenth_of_the_time_at_most_and_waits_its_minutes(
    last: tuple[float, float], minutes: float, seconds: float
) -> None:
    assert seconds_to_wait(last, 10_010, minutes=minutes) == pytest.approx(seconds)
