from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date

import pytest

from cab_assets.clients.hive import Hive, HiveUnavailable
from cab_assets.daily.import_day import import_day
from cab_assets.schemas import BOOKINGS, Table
from cab_assets.store.manifest import Manifest
from cab_assets.store.publish import NothingToPublish, Publication
from cab_assets.store.versions import Partition
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

DAY = "2020-06-01"


def a_version(pipeline: Pipeline, run_id: str, fare: str) -> Manifest:
    """A new version of the day, where its one ride cost `fare`."""
    pipeline.sql("UPDATE {table} SET trip_fare = %s", fare)
    return import_day(pipeline.db, pipeline.lake, date.fromisoformat(DAY), run_id).manifest


def fare(pipeline: Pipeline) -> list[str]:
    return [str(row[11]) for row in pipeline.in_hive(BOOKINGS, DAY)]


@pytest.fixture
def ridden(pipeline: Pipeline) -> Pipeline:
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    return pipeline


def test_a_pointer_put_back_to_an_older_version_is_moved_again(ridden: Pipeline) -> None:
    old = a_version(ridden, "first", "1.00")
    a_version(ridden, "second", "2.00")
    Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY])
    ridden.hive.set_locations(BOOKINGS, {DAY: ridden.lake.url(Partition(BOOKINGS, DAY).version_path(old.version))})
    assert fare(ridden) == ["1.00"]
    again = Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY])
    assert again.published[DAY].moved
    assert fare(ridden) == ["2.00"]


class Interrupted(Hive):
    """A HiveServer2 where, right after our first move, a late statement of another writer arrives."""

    def __init__(self, hive: Hive, late: str) -> None:
        super().__init__(f"hive://{hive.user}@{hive.host}:{hive.port}/{hive.database}")
        self.late = [late]

    def set_locations(self, table: Table, locations: dict[str, str]) -> None:
        super().set_locations(table, locations)
        while self.late:
            super().set_locations(table, {DAY: self.late.pop()})


def test_a_late_statement_of_another_writer_is_seen_and_overruled(ridden: Pipeline) -> None:
    old = a_version(ridden, "first", "1.00")
    Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY])
    a_version(ridden, "second", "2.00")
    hive = Interrupted(ridden.hive, ridden.lake.url(Partition(BOOKINGS, DAY).version_path(old.version)))
    try:
        assert Publication(ridden.lake, hive, BOOKINGS).run([DAY]).published[DAY].moved
    finally:
        hive.close()
    assert fare(ridden) == ["2.00"]


class Away(Hive):
    """A HiveServer2 that is away from the first move on."""

    def add_partitions(self, table: Table, locations: dict[str, str]) -> None:
        super().add_partitions(table, locations)
        raise HiveUnavailable("HiveServer2 does not answer (read timeout)")


def test_days_that_a_hive_that_went_away_does_not_show_fail_by_name(ridden: Pipeline) -> None:
    a_version(ridden, "first", "1.00")
    given = ridden.hive
    with closing(Away(f"hive://{given.user}@{given.host}:{given.port}/{given.database}")) as hive:
        publication = Publication(ridden.lake, hive, BOOKINGS).run([DAY, "2020-06-02"])
    assert {day: type(error) for day, error in publication.failed.items()} == {
        DAY: HiveUnavailable,
        "2020-06-02": NothingToPublish,
    }
    assert publication.published == {}
    assert not Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY]).published[DAY].moved


def test_many_publishers_at_once_end_at_the_newest_version(ridden: Pipeline) -> None:
    def publish(attempt: int) -> Iterable[str]:
        a_version(ridden, f"run{attempt}", f"{attempt}.00")
        return Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY]).failed

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(publish, range(6))) == [{}] * 6
    newest = max(ridden.versions(BOOKINGS, DAY))
    assert ridden.hive.locations(BOOKINGS, [DAY]) == {DAY: ridden.lake.url(Partition(BOOKINGS, DAY).version_path(newest))}
    assert fare(ridden) == [str(row[11]) for row in ridden.in_source(BOOKINGS, DAY)]


def test_a_day_without_a_version_is_named(ridden: Pipeline) -> None:
    failed = Publication(ridden.lake, ridden.hive, BOOKINGS).run([DAY]).failed
    assert {day: type(error) for day, error in failed.items()} == {DAY: NothingToPublish}
    assert str(failed[DAY]) == f"bookings/{DAY} has no audited version; materialize what it is made from first"


def test_more_days_than_one_statement_takes_are_all_there(pipeline: Pipeline) -> None:
    days = [f"2020-{month:02}-{day:02}" for month in range(1, 5) for day in range(1, 24)]  # 92, which are two statements
    locations = {day: pipeline.lake.url(Partition(BOOKINGS, day).version_path("1")) for day in days}
    pipeline.hive.create(BOOKINGS, pipeline.lake.url(BOOKINGS.name))
    pipeline.hive.add_partitions(BOOKINGS, locations)
    assert pipeline.hive.days(BOOKINGS) == set(days)
    ends = [days[0], days[1], days[89], days[90], days[91]]
    assert pipeline.hive.locations(BOOKINGS, ends) == {day: locations[day] for day in ends}
