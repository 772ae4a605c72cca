"""Send generated clicks to the topic, as fast as possible or at a given rate."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Event

from kafka import KafkaProducer
from kafka.errors import KafkaError

from cab_assets.clients.click_topic import ClickTopic
from cab_assets.dev.sample.clicks import Feed, Labelled
from cab_assets.environment import BadEnvironment, Environment
from cab_assets.errors import Unavailable
from cab_assets.wiring import Clients

# Records between two checks of their delivery: limits the memory of the producer
AT_ONCE = 20_000
# Time-out for the delivery of a record: a broker that was killed is back after about 10 s
DELIVERY_SECONDS = 30
# Seconds between two lines of progress
PROGRESS_SECONDS = 5
# The client requires a key or a value, and a tombstone has no value
TOMBSTONE_KEY = b"tombstone"
PRODUCER = {
    "bootstrap_timeout_ms": 5_000,
    "max_block_ms": 5_000,
    "request_timeout_ms": 10_000,
    "delivery_timeout_ms": DELIVERY_SECONDS * 1000,
    "linger_ms": 20,
    "batch_size": 256 * 1024,
    # Faster in Python: the client computes its checksum over fewer bytes
    "compression_type": "gzip",
    "metrics_enabled": False,
}


class ClicksNotSent(Unavailable):
    """The broker no longer accepts clicks."""


@dataclass(frozen=True)
class Pace:
    """Records per second, or as fast as possible without `rate`; `stop` ends the sending."""

    rate: float | None = None
    stop: Event = field(default_factory=Event)

    def batches(self, feed: Iterator[Labelled]) -> Iterator[list[Labelled]]:
        """Yield AT_ONCE records at a time, or with a rate, those of each tenth of a second."""
        size = AT_ONCE if self.rate is None else max(1, round(self.rate / 10))
        began, done = time.monotonic(), 0
        while batch := list(islice(feed, size)):
            due = time.monotonic() if self.rate is None else began + done / self.rate
            if self.stop.wait(max(0, due - time.monotonic())):
                return
            yield batch
            done += len(batch)


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """Yield an event that the first SIGINT or SIGTERM sets. The second ends the process."""
    stop = Event()

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def send_clicks(
    env: Environment, feed: Feed, count: int | None, pace: Pace, say: Callable[[str], None]
) -> None:
    """Send the first `count` records of the feed, or all of it, which is endless.

    Report the number of records that the broker has acknowledged.
    """
    topic = click_topic(env)
    partitions = len(topic.look().ends)
    sent: Counter[str] = Counter()
    reported = time.monotonic()
    with _producer(topic) as producer:
        for batch in pace.batches(islice(feed, count)):
            _deliver(producer, topic, partitions, sent.total(), batch)
            sent.update(kind for kind, _ in batch)
            if time.monotonic() - reported > PROGRESS_SECONDS:
                say(f"{sent.total():,} clicks" + (f" of {count:,}" if count else ""))
                reported = time.monotonic()
    say(
        f"{sent.total():,} clicks were sent to {topic.name}: {sent['poison']:,} of them malformed,"
        f" {sent['late']:,} late, {sent['repeat']:,} repeated."
    )


def click_topic(env: Environment) -> ClickTopic:
    if env.kafka_bootstrap_servers is None:
        raise BadEnvironment(
            "CAB_KAFKA_BOOTSTRAP_SERVERS is not set: start the embedded broker with `cab up`, or"
            " set the variable"
        )
    return Clients(env).click_topic


@contextmanager
def _producer(topic: ClickTopic) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(
        bootstrap_servers=topic.servers, **PRODUCER, **topic.security.for_python()
    )
    try:
        yield producer
    finally:
        # All records are already acknowledged, so an error here does not matter
        with suppress(KafkaError):
            producer.close(timeout=1)


def _deliver(
    producer: KafkaProducer, topic: ClickTopic, partitions: int, first: int, batch: list[Labelled]
) -> None:
    """Send a batch to the partitions in turn, and wait until all records are acknowledged.

    `first` is the number of records sent before.
    """
    try:
        futures = [
            producer.send(
                topic.name,
                value,
                key=TOMBSTONE_KEY if value is None else None,
                partition=number % partitions,
            )
            for number, (_, value) in enumerate(batch, first)
        ]
        producer.flush(2 * DELIVERY_SECONDS)
        if failure := next((each.exception for each in futures if each.failed()), None):
            raise failure
    except KafkaError as error:
        raise ClicksNotSent(
            f"Kafka at {topic.servers} accepts no more clicks, after {first:,} ({error}); run `cab"
            " doctor`"
        ) from error
