import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from cab_assets.clients.lake import Lake, LakeRefused
from cab_assets.daily.days import import_days
from cab_assets.daily.import_day import ImportedDay, import_day
from cab_assets.dev.sample.load import load_days
from cab_assets.sources import postgresql, postgresql_windows
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import bookings_day, bookings_days

FULL = "29990101T000000000000Z-001-full"
DAY = date(2020, 9, 1)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """A disk that is full when a file has `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1_000, 50_000])
def test_a_full_disk_is_named_leaves_no_version_and_heals(pipeline: Pipeline, size: int) -> None:
    load_days(pipeline.env, DAY, 1, 2_000, 7, print)
    with (
        room_for(size),
        pytest.raises(
            LakeRefused,
            match=("Nothing of it was published; free space, fix permissions or start the server"),
        ),
    ):
        import_day(pipeline.db, bookings_day(pipeline.lake, DAY), "full")
    assert bookings_day(pipeline.lake, DAY).newest() is None
    assert import_day(pipeline.db, bookings_day(pipeline.lake, DAY), "after").manifest.rows == 2_000


def test_a_full_disk_at_the_manifest_leaves_no_version(pipeline: Pipeline) -> None:
    pipeline.insert(*(ride(f"BK10000000{hour}", f"{DAY} 0{hour}:00:00") for hour in range(3)))
    whole = import_day(pipeline.db, bookings_day(pipeline.lake, DAY), "first").manifest
    pipeline.sql("UPDATE {table} SET trip_fare = 7.00")
    with room_for(100), pytest.raises(LakeRefused):
        pipeline.lake.write(
            f"{bookings_day(pipeline.lake, DAY).folder(FULL)}/_manifest.json",
            whole.model_dump_json().encode(),
        )
    assert bookings_day(pipeline.lake, DAY).newest() == whole


@pytest.mark.parametrize(
    ("altered", "differs"),
    [
        (
            # Other rows, as many and as dear
            lambda each: Slice(each.rows, each.row_hash + 1),
            {"row_hash"},
        ),
        (lambda each: Slice(each.rows.slice(1), each.row_hash), {"rows", "fare", "tip"}),
    ],
)
def test_rows_that_are_not_the_sources_make_no_version(
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    altered: Callable[[Slice], Slice],
    differs: set[str],
) -> None:
    pipeline.insert(*(ride(f"BK10000000{hour}", f"{DAY} 0{hour}:00:00") for hour in range(3)))
    whole = SourceDay.slices
    monkeypatch.setattr(SourceDay, "slices", lambda source: map(altered, whole(source)))
    refused = import_day(pipeline.db, bookings_day(pipeline.lake, DAY), "altered").manifest
    (failed,) = (finding for finding in refused.findings if not finding.passed)
    assert failed.check == "equals_source"
    assert {name for name, said in failed.detail.items() if "written" in said} == differs
    assert bookings_day(pipeline.lake, DAY).newest() is None


def test_a_days_figures_and_rows_come_over_two_connections(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", 100)
    load_days(pipeline.env, DAY, 1, 2_000, 7, print)
    made, connect = [], postgresql.PostgreSQL.connect

    def counted(dialect: postgresql.PostgreSQL) -> Any:
        made.append(dialect)
        return connect(dialect)

    monkeypatch.setattr(postgresql.PostgreSQL, "connect", counted)
    imported = import_day(pipeline.db, bookings_day(pipeline.lake, DAY), "run").manifest
    assert (imported.rows, imported.passed) == (2_000, True)
    assert len(made) == 2


def test_a_day_that_fails_for_any_reason_holds_back_no_other(pipeline: Pipeline) -> None:
    days = [f"2020-09-0{day}" for day in range(1, 4)]

    class Odd(Lake):
        def list(self, folder: str):  # type: ignore[no-untyped-def]
            if folder.endswith(days[1]):
                raise ZeroDivisionError("odd")
            return super().list(folder)

    outcomes = dict(
        import_days(
            pipeline.db, bookings_days(Odd(pipeline.lake.root), days), "run", at_once=2, say=print
        )
    )
    assert {day: isinstance(outcome, ImportedDay) for day, outcome in outcomes.items()} == {
        days[0]: True,
        days[1]: False,
        days[2]: True,
    }
    assert repr(outcomes[days[1]]) == "ZeroDivisionError('odd')"


def test_a_version_of_when_the_clocks_were_ahead_does_not_stay_the_newest(
    pipeline: Pipeline,
) -> None:
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    day, ahead = pipeline.store(BOOKINGS).day(DAY.isoformat()), "29990101T000000000000Z-001-ahead"
    made = import_day(pipeline.db, day, "ahead").manifest
    pipeline.lake.files.move(day.folder(made.version), day.folder(ahead))
    day.record(made.model_copy(update={"version": ahead}))
    assert pipeline.run(DAY.isoformat()).failure == ""
    for fare in (7, 8):
        pipeline.sql(f"UPDATE {{table}} SET trip_fare = {fare}")
        assert pipeline.run(DAY.isoformat()).failure == ""
        pipeline.is_like_source(DAY.isoformat())
    newest = day.newest()
    assert newest
    assert newest.version > ahead
