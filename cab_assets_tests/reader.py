"""Readers that look without pause while clicks are committed, folded and retired."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from pyspark.sql.connect.session import SparkSession

from cab_assets.clickstream.batch import Batch, read_batch
from cab_assets.clients.deadline import started
from cab_assets.clients.hive import Hive
from cab_assets_tests.clicks import Clicks, Place
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Row

FOR_GOOD = {"clickstream": "clicks", "clickstream_rejects": "rejects"}


@dataclass
class Reader:
    """What one client has seen; a look that contradicts an earlier one is an AssertionError."""

    ask: Callable[[str], list[Row]]
    database: str
    looks: int = 0
    seen: dict[str, set[Place]] = field(default_factory=lambda: {name: set() for name in FOR_GOOD})
    sizes: dict[int, int] = field(default_factory=dict)  # batch -> records

    def look_until(self, end: threading.Event) -> None:
        while not end.is_set():
            self.look()
            self.looks += 1

    def look(self) -> None:
        for view, table in FOR_GOOD.items():
            now = self._places(view)
            assert len(now) == len(set(now)), f"{view} shows a record twice"
            if gone := self.seen[view] - set(now):
                lost = gone - set(self._places(table))
                assert not lost, f"no longer in {view} and not in {table}: {sorted(lost)[:5]}"
            self.seen[view] |= set(now)
        for batch, records in self.ask(
            f"SELECT batch, count(*) FROM {self.database}.clickstream_batches GROUP BY batch"
        ):
            assert self.sizes.setdefault(int(batch), records) == records, (
                f"batch {batch} was seen in parts"
            )

    def _places(self, name: str) -> list[Place]:
        offsets = "concat_ws(',', collect_list(cast(kafka_offset AS string)))"
        rows = self.ask(
            f"SELECT kafka_partition, {offsets} FROM {self.database}.{name} GROUP BY"
            " kafka_partition"
        )
        return [
            (partition, int(offset)) for partition, listed in rows for offset in listed.split(",")
        ]


@contextmanager
def reading(clicks: Clicks) -> Iterator[None]:
    """One reader through HiveServer2 and one through an open Connect session, at work while the
    block lasts.
    """
    clicks.ledger.create()
    env, end = clicks.pipeline.env, threading.Event()
    session = SparkSession.builder.remote(str(env.spark_remote)).create()
    with closing(Hive(str(env.hive_url))) as hive, closing_session(session):
        readers = [
            Reader(hive.execute, hive.database),
            Reader(lambda sql: [tuple(row) for row in session.sql(sql).collect()], hive.database),
        ]
        at_work = [started(partial(reader.look_until, end)) for reader in readers]
        try:
            yield
        finally:
            end.set()
            for each in at_work:
                each.result(patience(60))
        sizes = {
            batch.number: batch.contents.accepted + batch.contents.rejected
            for batch in ever_committed(clicks)
        }
        for reader in readers:
            assert reader.looks > 0
            assert reader.sizes.items() <= sizes.items()


def is_folded(clicks: Clicks) -> None:
    """Every record of the topic is in its day table, once."""
    assert sorted(clicks.places("clicks") + clicks.places("rejects")) == sorted(clicks.in_topic())


@contextmanager
def closing_session(session: SparkSession) -> Iterator[None]:
    try:
        yield
    finally:
        session.stop()


def ever_committed(clicks: Clicks) -> Iterator[Batch]:
    """Also those that were retired; their files are still there."""
    batch = clicks.ledger.newest()
    while batch:
        yield batch
        batch = read_batch(clicks.pipeline.lake, batch.previous) if batch.previous else None
