"""From a click's arrival in Kafka until HiveServer2 shows it, with the sensor under Dagster's
daemon.
"""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from statistics import median, quantiles
from threading import Thread

import dagster as dg
from kafka import KafkaProducer

from benchmarks.rounds import table
from benchmarks.say import say
from cab_assets.cli.clickstream import Sides
from cab_assets.dev.demo_clicks import daemon
from cab_assets.dev.sample.clicks import clicks
from cab_assets.environment import Environment
from cab_assets.settings import CHECKOUT

# A run leaves 15 s after the last click, so each of these meets an idle system
SINGLE, APART_SECONDS = 8, 35
RATE, STEADY_SECONDS, WARM_SECONDS = 500, 90, 20
POLL_SECONDS = 0.3
GIVE_UP_SECONDS = 120


STAGES = {  # of a run, by what Dagster logs when it is over
    dg.DagsterEventType.RUN_ENQUEUED: "until the sensor looks, and asks for a run",
    dg.DagsterEventType.RUN_STARTING: "until Dagster takes the run from its queue",
    dg.DagsterEventType.RUN_START: "the run's process: Python, imports, definitions",
    dg.DagsterEventType.STEP_START: "its clients",
    dg.DagsterEventType.ASSET_MATERIALIZATION: "session, streaming query, batch, audit, commit",
}


def latency(env: Environment) -> dict[str, str]:
    """Seconds until a click is visible: alone on an idle system, and in a steady feed; and where
    they go.
    """
    shutil.copy(CHECKOUT / "dagster.yaml", f"{os.environ['DAGSTER_HOME']}/dagster.yaml")
    with (
        closing(Sides(env)) as sides,
        closing(
            KafkaProducer(bootstrap_servers=sides.click_topic.servers, linger_ms=5)
        ) as producer,
        daemon(os.environ, env.home / "logs" / "bench-daemon.log", say),
    ):
        _alone(sides, producer)  # the daemon's own start does not count
        sent, alone = zip(
            *((time.time(), _alone(sides, producer)) for _ in range(SINGLE)), strict=True
        )
        where = table(_stages(sent, alone))
        steady = _steady(sides, producer)
    return {
        "click_latency": table(
            [_row("one click on an idle system", alone), _row(f"{RATE} clicks a second", steady)]
        ),
        "click_seconds": where,
    }


def _stages(sent: Sequence[float], seconds: Sequence[float]) -> list[dict[str, object]]:
    """What each stage of the runs that brought single clicks took."""
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_run_records(
            dg.RunsFilter(job_name="clickstream_ingest"), limit=len(sent), ascending=False
        )[::-1]
        logs = [
            instance.all_logs(record.dagster_run.run_id, of_type=set(STAGES)) for record in runs
        ]
    took: dict[str, list[float]] = {
        name: [] for name in [*STAGES.values(), "until a reader sees it"]
    }
    for began, total, events in zip(sent, seconds, logs, strict=True):
        before = began
        for event in events:
            took[STAGES[event.get_dagster_event().event_type]].append(event.timestamp - before)
            before = event.timestamp
        took["until a reader sees it"].append(began + total - before)
    return [
        {"stage": name, "median s": f"{median(each):.1f}", "longest s": f"{max(each):.1f}"}
        for name, each in took.items()
    ]


def _row(name: str, seconds: Sequence[float]) -> dict[str, object]:
    cuts = quantiles(seconds, n=20, method="inclusive")
    return {
        "feed": name,
        "clicks": f"{len(seconds):,}",
        "median s": f"{cuts[9]:.1f}",
        "p95 s": f"{cuts[18]:.1f}",
        "longest s": f"{max(seconds):.1f}",
    }


def _alone(sides: Sides, producer: KafkaProducer) -> float:
    record = producer.send(sides.click_topic.name, next(clicks(1))).get(timeout=10)
    sent = time.monotonic()
    while _visible(sides).get(record.partition, -1) < record.offset:
        if time.monotonic() - sent > GIVE_UP_SECONDS:
            raise TimeoutError(f"a click is not visible after {GIVE_UP_SECONDS} s")
        time.sleep(POLL_SECONDS)
    took = time.monotonic() - sent
    say(f"  one click: {took:.1f} s")
    time.sleep(APART_SECONDS)
    return took


def _steady(sides: Sides, producer: KafkaProducer) -> list[float]:
    """Of every click sent after the feed has been up for a while."""
    say(f"  {RATE} clicks a second for {STEADY_SECONDS} s")
    sent: dict[tuple[int, int], float] = {}
    seen: dict[tuple[int, int], float] = {}
    began = time.monotonic()
    feeder = Thread(target=_feed, args=(sides, producer, began, sent))
    feeder.start()
    while feeder.is_alive() or (
        len(seen) < len(sent) and time.monotonic() - began < STEADY_SECONDS + GIVE_UP_SECONDS
    ):
        visible, now = _visible(sides), time.monotonic()
        seen |= {
            place: now
            for place in sent.copy()
            if place not in seen and visible.get(place[0], -1) >= place[1]
        }
        time.sleep(POLL_SECONDS)
    return [seen[place] - when for place, when in sent.items() if when - began > WARM_SECONDS]


def _feed(
    sides: Sides, producer: KafkaProducer, began: float, sent: dict[tuple[int, int], float]
) -> None:
    feed = clicks(None, seed=2)
    while (passed := time.monotonic() - began) < STEADY_SECONDS:
        due = int(passed * RATE) - len(sent)
        for future in [producer.send(sides.click_topic.name, next(feed)) for _ in range(due)]:
            record = future.get(timeout=10)
            sent[record.partition, record.offset] = time.monotonic()
        time.sleep(0.05)


def _visible(sides: Sides) -> Mapping[int, int]:
    """The newest offset of each partition that a reader of the view finds.

    Commits are in the order of offsets.
    """
    hive = sides.ledger.hive
    newest = hive.execute(
        f"SELECT kafka_partition, max(kafka_offset) FROM `{hive.database}`.`clickstream` GROUP BY"
        " kafka_partition"
    )
    return {int(partition): int(offset) for partition, offset in newest}
