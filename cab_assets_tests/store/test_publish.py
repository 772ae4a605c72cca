from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveUnavailable
from cab_assets.clients.hive_text import Row
from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.store.manifest import Manifest
from cab_assets.store.publish import NothingToPublish
from cab_assets.store.table_store import TableStore
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import publication

DAY = "2020-06-01"


def a_version(pipeline: Pipeline, run_id: str, fare: str) -> Manifest:
    """A new version of the day, where its one ride cost `fare`."""
    pipeline.sql("UPDATE {table} SET trip_fare = %s", fare)
    return import_day(pipeline.db, pipeline.store(BOOKINGS).day(DAY), run_id).manifest


def fare(pipeline: Pipeline) -> list[str]:
    return [str(row[11]) for row in pipeline.in_hive(BOOKINGS, DAY)]


@pytest.fixture
def ridden(pipeline: Pipeline) -> Pipeline:
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    return pipeline


def test_a_pointer_put_back_to_an_older_version_is_moved_again(ridden: Pipeline) -> None:
    old = a_version(ridden, "first", "1.00")
    a_version(ridden, "second", "2.00")
    publication(ridden.store(BOOKINGS), [DAY])
    ridden.store(BOOKINGS).pointers.move(
        {DAY: ridden.store(BOOKINGS).day(DAY).location(old.version)}
    )
    assert fare(ridden) == ["1.00"]
    again = publication(ridden.store(BOOKINGS), [DAY])
    assert again.published[DAY].moved
    assert fare(ridden) == ["2.00"]


class Interrupted(Hive):
    """A HiveServer2 where, right after our first move, a late statement of another
    writer arrives.
    """

    def __init__(self, hive: Hive, late: str) -> None:
        super().__init__(f"hive://{hive.user}@{hive.host}:{hive.port}/{hive.database}")
        self.late = [late]

    def execute(self, statement: str) -> list[Row]:
        rows = super().execute(statement)
        while self.late and "SET LOCATION" in statement:
            late = TableStore(BOOKINGS, Lake("file:///none"), self)
            late.pointers.move({DAY: self.late.pop()})
        return rows


def test_a_late_statement_of_another_writer_is_seen_and_overruled(ridden: Pipeline) -> None:
    old = a_version(ridden, "first", "1.00")
    publication(ridden.store(BOOKINGS), [DAY])
    a_version(ridden, "second", "2.00")
    hive = Interrupted(ridden.hive, ridden.store(BOOKINGS).day(DAY).location(old.version))
    try:
        assert publication(TableStore(BOOKINGS, ridden.lake, hive), [DAY]).published[DAY].moved
    finally:
        hive.close()
    assert fare(ridden) == ["2.00"]


class Away(Hive):
    """A HiveServer2 that is away from the first move on."""

    def execute(self, statement: str) -> list[Row]:
        rows = super().execute(statement)
        if "ADD IF NOT EXISTS" in statement:
            raise HiveUnavailable("HiveServer2 does not answer (read timeout)")
        return rows


def test_days_that_a_hive_that_went_away_does_not_show_fail_by_name(ridden: Pipeline) -> None:
    a_version(ridden, "first", "1.00")
    given = ridden.hive
    with closing(Away(f"hive://{given.user}@{given.host}:{given.port}/{given.database}")) as hive:
        told = publication(TableStore(BOOKINGS, ridden.lake, hive), [DAY, "2020-06-02"])
    assert {day: type(error) for day, error in told.failed.items()} == {
        DAY: HiveUnavailable,
        "2020-06-02": NothingToPublish,
    }
    assert told.published == {}
    assert not publication(ridden.store(BOOKINGS), [DAY]).published[DAY].moved


def test_many_publishers_at_once_end_at_the_newest_version(ridden: Pipeline) -> None:
    def publish(attempt: int) -> Iterable[str]:
        a_version(ridden, f"run{attempt}", f"{attempt}.00")
        return publication(ridden.store(BOOKINGS), [DAY]).failed

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(publish, range(6))) == [{}] * 6
    newest = max(ridden.versions(BOOKINGS, DAY))
    assert ridden.store(BOOKINGS).pointers.locations([DAY]) == {
        DAY: ridden.store(BOOKINGS).day(DAY).location(newest)
    }
    assert fare(ridden) == [str(row[11]) for row in ridden.in_source(BOOKINGS, DAY)]


def test_a_day_without_a_version_is_named(ridden: Pipeline) -> None:
    failed = publication(ridden.store(BOOKINGS), [DAY]).failed
    assert {day: type(error) for day, error in failed.items()} == {DAY: NothingToPublish}
    assert (
        str(failed[DAY])
        == f"bookings/{DAY} has no valid version; materialize raw_bookings, bookings and"
        " booking_aggregates for this day"
    )


def test_more_days_than_one_statement_takes_are_all_there(pipeline: Pipeline) -> None:
    # 92, which are two statements
    days = [f"2020-{month:02}-{day:02}" for month in range(1, 5) for day in range(1, 24)]
    locations = {day: pipeline.store(BOOKINGS).day(day).location("1") for day in days}
    pipeline.store(BOOKINGS).declare()
    pipeline.store(BOOKINGS).pointers.add(locations)
    assert pipeline.store(BOOKINGS).pointers.values() == set(days)
    ends = [days[0], days[1], days[89], days[90], days[91]]
    assert pipeline.store(BOOKINGS).pointers.locations(ends) == {
        day: locations[day] for day in ends
    }


def test_a_table_that_is_not_declared_has_no_partitions_and_is_not_declared_by_a_question(
    pipeline: Pipeline,
) -> None:
    store = pipeline.store(BOOKINGS)
    assert store.pointers.values() == set()
    assert store.pointers.locations([DAY]) == {}
    assert store.pointers.location(DAY) is None
    assert store.published([DAY]) == {}
    assert pipeline.hive.execute("SHOW TABLES") == []
