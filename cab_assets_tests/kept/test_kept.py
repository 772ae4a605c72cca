"""A lake and a Dagster home of an earlier version go on: nothing is imported again or refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from cab_assets.definitions import defs
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.tables.clicks import CLICKS
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.kept.keeping import put_back
from cab_assets_tests.kept.make import DAYS, EVERYTHING, FOLDED, LATE, RIDES, amend, clicked
from cab_assets_tests.pipeline import ASSETS, Pipeline

NOTHING_NEW = {"nothing new: the source is unchanged", "nothing new: already published"}


@pytest.fixture
def kept(pipeline: Pipeline, tmp_path: Path) -> Iterator[Pipeline]:
    """Return the pipeline on the lake, tables and Dagster home of before, and the same source."""
    pipeline.insert(*RIDES)
    amend(pipeline)
    home = put_back(pipeline, tmp_path / "aside")
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        yield replace(pipeline, instance=instance)


def versions(pipeline: Pipeline) -> dict[str, list[str]]:
    days = dict.fromkeys((BOOKINGS, BOOKING_AGGREGATES), DAYS) | {CLICKS: (FOLDED,)}
    return {
        f"{table.name} {day}": pipeline.versions(table, day)
        for table, of in days.items()
        for day in of
    }


def test_the_days_of_an_earlier_version_are_not_imported_again(kept: Pipeline) -> None:
    before = versions(kept)
    assert [len(found) for found in before.values()] == [2, 1, 1, 2, 1, 1, 1]
    run = kept.run(DAYS[0], DAYS[-1])
    assert run.failure == ""
    assert {said["outcome"] for said in run.metadata.values()} == NOTHING_NEW
    assert versions(kept) == before
    kept.is_like_source(*DAYS)


def test_a_look_finds_no_day_of_an_earlier_version_changed_but_one_that_is(kept: Pipeline) -> None:
    for asset in ASSETS:
        assert set(kept.instance.get_materialized_partitions(dg.AssetKey(asset))) == set(DAYS)
    assert asked(kept) == []
    kept.sql("UPDATE {table} SET tip_amount = 10.01 WHERE booking_id = 'BK100000004'")
    assert kept.job("observe_bookings", {"ops": {"observe": {"config": EVERYTHING}}}).failure == ""
    assert asked(kept) == [DAYS[1]]


def asked(pipeline: Pipeline) -> list[str]:
    """Return the days that the sensor asks for after the latest look."""
    with dg.build_sensor_context(instance=pipeline.instance) as context:
        found = defs().resolve_sensor_def("bookings_changes_sensor")(context)
        assert isinstance(found, Iterator)
        return [each.tags["dagster/partition"] for each in found if isinstance(each, dg.RunRequest)]


def test_the_batches_of_an_earlier_version_are_folded_and_followed(kept: Pipeline) -> None:
    clicks = Clicks(kept)
    assert [batch.number for batch in clicks.batches()] == [1, 2]
    assert clicks.fold(sweep=True).failure == ""
    by_day = "SELECT event_date, customer_id, copies FROM {clicks} ORDER BY 1, 2"
    folded = [(FOLDED, 1, 2), (FOLDED, 2, 1), (FOLDED, 3, 1), (LATE, 3, 1)]
    assert clicks.query(by_day) == folded
    assert len(clicks.query("SELECT * FROM {rejects}")) == 1
    clicks.create(1)  # another topic than that of before
    clicks.send([clicked(LATE, 4)])
    assert clicks.ingest().failure == ""
    assert [batch.number for batch in clicks.batches()] == [1, 2, 3]
    assert clicks.fold().failure == ""
    assert clicks.query(by_day) == [*folded, (LATE, 4, 1)]
