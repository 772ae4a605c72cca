from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.fs as pafs
import pytest

from cab_assets.clients.lake import LakeRefused
from cab_assets.daily.import_day import import_day
from cab_assets.store.collect import SUPERSEDED, collect
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import publication, written

DAY = "2020-07-01"
NOW = datetime(2020, 8, 1, tzinfo=UTC)
WEEK, NONE = timedelta(7), timedelta(0)


@pytest.fixture
def ridden(pipeline: Pipeline) -> Pipeline:
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    pipeline.store(BOOKINGS).declare()
    return pipeline


def add_version(pipeline: Pipeline, run_id: str) -> str:
    pipeline.sql("UPDATE {table} SET trip_fare = trip_fare + 1")
    return import_day(pipeline.db, pipeline.store(BOOKINGS).day(DAY), run_id).manifest.version


def add_attempt(pipeline: Pipeline, run_id: str) -> str:
    """What a run leaves that was killed before its manifest.

    Its moment is later than any version's.
    """
    version = f"29990101T000000000000Z-001-{run_id}"
    written(pipeline.store(BOOKINGS).day(DAY), version)
    return version


def publish(pipeline: Pipeline) -> None:
    assert publication(pipeline.store(BOOKINGS), [DAY]).failed == {}


def collected(
    pipeline: Pipeline, grace: timedelta, now: datetime = NOW, active: tuple[str, ...] = ()
) -> set[str]:
    """The versions that went, as what is left shows it."""
    before = set(pipeline.versions(BOOKINGS, DAY))
    told = {
        each.path
        for each in collect(pipeline.store(BOOKINGS), grace=grace, now=now, active_runs=active)
    }
    gone = before - set(pipeline.versions(BOOKINGS, DAY))
    assert told == {pipeline.store(BOOKINGS).day(DAY).folder(version) for version in gone}
    return gone


def test_a_superseded_version_is_marked_first_and_goes_when_its_grace_is_over(
    ridden: Pipeline,
) -> None:
    old, new = add_version(ridden, "first"), add_version(ridden, "second")
    publish(ridden)
    assert collected(ridden, WEEK) == set()
    assert collected(ridden, WEEK, NOW + WEEK - timedelta(seconds=1)) == set()
    assert collected(ridden, WEEK, NOW + WEEK) == {old}
    assert ridden.versions(BOOKINGS, DAY) == [new]
    assert ridden.in_hive(BOOKINGS, DAY) == ridden.in_source(BOOKINGS, DAY)


def test_without_grace_superseded_versions_and_orphans_go_at_once(ridden: Pipeline) -> None:
    old, new, orphan = (
        add_version(ridden, "first"),
        add_version(ridden, "second"),
        add_attempt(ridden, "killed"),
    )
    publish(ridden)
    assert collected(ridden, NONE) == {old, orphan}
    assert ridden.versions(BOOKINGS, DAY) == [new]


def test_the_work_of_an_active_run_stays(ridden: Pipeline) -> None:
    add_version(ridden, "first")
    attempt = add_attempt(ridden, "running")
    publish(ridden)
    assert collected(ridden, NONE, active=("running",)) == set()
    assert collected(ridden, NONE, active=("another",)) == {attempt}


def test_what_the_metastore_names_stays_though_it_is_not_the_newest(ridden: Pipeline) -> None:
    named = add_version(ridden, "first")
    publish(ridden)
    between, newest = add_version(ridden, "second"), add_version(ridden, "third")
    assert collected(ridden, NONE) == {between}
    assert ridden.versions(BOOKINGS, DAY) == [named, newest]


def test_a_version_that_is_named_again_loses_its_mark(ridden: Pipeline) -> None:
    old = add_version(ridden, "first")
    add_version(ridden, "second")
    publish(ridden)
    collected(ridden, WEEK)
    ridden.store(BOOKINGS).pointers.move({DAY: ridden.store(BOOKINGS).day(DAY).location(old)})
    assert collected(ridden, WEEK, NOW + WEEK) == set()
    publish(ridden)
    assert collected(ridden, WEEK, NOW + WEEK) == set()
    assert collected(ridden, WEEK, NOW + 2 * WEEK) == {old}


def test_a_day_with_an_attempt_and_no_version_at_all_is_cleaned_too(ridden: Pipeline) -> None:
    orphan = add_attempt(ridden, "killed")
    assert collected(ridden, NONE) == {orphan}


@pytest.mark.parametrize("content", [b"", b"\xff", b"yesterday"])
def test_an_unreadable_mark_is_made_anew(ridden: Pipeline, content: bytes) -> None:
    old, _ = add_version(ridden, "first"), add_version(ridden, "second")
    publish(ridden)
    ridden.lake.write(f"{ridden.store(BOOKINGS).day(DAY).folder(old)}/{SUPERSEDED}", content)
    assert collected(ridden, WEEK) == set()
    assert collected(ridden, WEEK, NOW + WEEK) == {old}


@dataclass
class Refusing:
    """The files of a lake that refuses to delete one version."""

    files: pafs.FileSystem
    version: str

    def delete_dir(self, path: str) -> None:
        if path.endswith(self.version):
            raise PermissionError("Operation not permitted")
        self.files.delete_dir(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)


def test_a_version_that_cannot_be_deleted_is_named_at_the_end_and_holds_back_no_other(
    ridden: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = add_version(ridden, "first"), add_version(ridden, "second")
    newest = add_version(ridden, "third")
    publish(ridden)
    monkeypatch.setitem(vars(ridden.lake), "files", Refusing(ridden.lake.files, first))
    with pytest.raises(LakeRefused, match=f"cannot delete .*{first} in the lake: Operation not"):
        collected(ridden, NONE)
    assert ridden.versions(BOOKINGS, DAY) == [first, newest]


def test_files_beside_the_days_and_versions_stop_nothing(ridden: Pipeline) -> None:
    old, new = add_version(ridden, "first"), add_version(ridden, "second")
    publish(ridden)
    ridden.lake.write("bookings/booking_date=2020-01-05.csv", b"1,2")
    ridden.lake.write(f"bookings/booking_date={DAY}/version={new}.zip", b"")
    assert collected(ridden, NONE) == {old}
