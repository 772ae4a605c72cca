"""What lies in the lake or stands in Hive otherwise than it was folded: it is named, and put right
where it can be.
"""

import shutil
from pathlib import Path
from shlex import quote

import pytest

from cab_assets.clickstream.batch import batch_path
from cab_assets.declarations import Table
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS
from cab_assets_tests.clicks import Clicks, event
from cab_assets_tests.pipeline import Outcome

pytestmark = pytest.mark.faults
FIRST, SECOND = DAYS = ["2020-03-14", "2020-03-15"]


@pytest.fixture
def folded(clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> Clicks:
    """Two days, both in the day tables.

    No batch of theirs is left that would have them folded again.
    """
    clicks.create(1)
    clicks.send([event(timestamp=f"{day} 09:59:07") for day in DAYS] + [b"no JSON"])
    assert clicks.ingest().failure == ""
    clicks.send([event(timestamp=f"{SECOND} 10:00:00")])
    assert clicks.ingest().failure == ""
    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    assert clicks.fold().failure == ""
    assert clicks.ledger.numbers() == {2}
    return clicks


def sweep(clicks: Clicks) -> Outcome:
    return clicks.fold(sweep=True)


def folder(clicks: Clicks, table: Table, day: str) -> Path:
    """Of the version that readers see."""
    return Path(clicks.pipeline.store(table).pointers.locations([day])[day].removeprefix("file://"))


def copy_a_file(version: Path) -> Path:
    return Path(shutil.copy(next(version.glob("*.parquet")), version / "copy.parquet"))


@pytest.mark.parametrize("run_again", ["sweep", "by hand"])
def test_a_day_with_a_file_more_is_made_anew_of_its_own_files(
    folded: Clicks, run_again: str
) -> None:
    before = folder(folded, CLICKS, FIRST)
    surplus = copy_a_file(before)
    (folder(folded, CLICKS, SECOND) / "notes.txt").write_text("looked at this day, all is well")
    run = sweep(folded) if run_again == "sweep" else folded.fold(FIRST, SECOND)
    assert run.failure == ""
    assert folded.places("clicks") == [(0, 0), (0, 1), (0, 3)]
    assert folder(folded, CLICKS, FIRST) != before
    assert surplus.exists()
    if run_again == "sweep":
        assert f"{before.name}/copy.parquet is not in the manifest of the folder" in run.log


@pytest.mark.parametrize("table", [CLICKS, REJECTS], ids=lambda table: table.name)
def test_the_days_of_a_dropped_table_come_back_by_the_sweep(folded: Clicks, table: Table) -> None:
    before, days = folded.places(table.name), folded.pipeline.store(table).pointers.values()
    folded.pipeline.hive.execute(f"DROP TABLE {folded.pipeline.hive.name(table.name)}")
    assert sweep(folded).failure == ""
    assert folded.places(table.name) == before
    assert folded.pipeline.store(table).pointers.values() == days


def test_a_sweep_finds_nothing_where_nothing_is_wrong(folded: Clicks) -> None:
    versions = [folded.pipeline.versions(CLICKS, day) for day in DAYS]
    run = sweep(folded)
    assert (run.failure, run.materialized) == ("", set())
    assert [folded.pipeline.versions(CLICKS, day) for day in DAYS] == versions


def test_days_whose_rows_are_lost_are_named_and_made_anew_from_retired_batches(
    folded: Clicks,
) -> None:
    before = folded.places("clicks")
    lost = next(folder(folded, CLICKS, FIRST).glob("*.parquet"))
    lost.unlink()
    (folder(folded, CLICKS, SECOND) / "_manifest.json").unlink()
    shown = folded.pipeline.store(CLICKS).pointers.locations(DAYS)
    run = sweep(folded)
    assert run.failure == ""
    assert f"/{lost.name} is missing" in run.log
    assert f"clicks/{SECOND} points to {shown[SECOND]}, which is not valid" in run.log
    assert folded.places("clicks") == before


@pytest.mark.parametrize("name", ["copy.parquet", "notes.txt"])
def test_a_batch_with_a_file_more_is_named_until_the_file_is_gone(
    clicks: Clicks, name: str
) -> None:
    clicks.create(1)
    clicks.send([event(timestamp=f"{FIRST} 09:59:07"), b"no JSON"])
    assert clicks.ingest().failure == ""
    (batch,) = clicks.batches()
    path = Path(clicks.pipeline.lake.root.removeprefix("file://")) / batch_path(batch.folder)
    surplus = copy_a_file(path).rename(path / name)
    told = (
        f"batch 1 is damaged: {CLICKSTREAM_BATCHES.name}/{batch.folder}/{name} is not in the"
        " manifest of the folder"
    )
    assert f"{told}; move it out of that folder, then run the day again" in clicks.fold().failure
    surplus.unlink()
    assert clicks.fold().failure == ""
    assert clicks.places("clicks") + clicks.places("rejects") == [(0, 0), (0, 1)]
    surplus.write_bytes(b"")
    assert told in sweep(clicks).failure


def test_partitions_that_are_no_day_are_named_by_the_sweep_after_everything_else(
    folded: Clicks,
) -> None:
    version, values = f"file://{folder(folded, CLICKS, FIRST)}", ("2020-3-14", "2999-01-01")
    store = folded.pipeline.store(CLICKS)
    store.pointers.add(dict.fromkeys(values, version))
    copy_a_file(folder(folded, CLICKS, SECOND))
    run = sweep(folded)
    assert ("clicks", SECOND) in run.materialized
    for value in values:
        assert f"the partition event_date='{value}' of clicks in Hive is no day" in run.failure
        assert quote(store.pointers.drop_statement(value)) in run.failure
    folded.pipeline.hive.execute(store.pointers.drop_statement(values[0]))
    folded.pipeline.hive.execute(store.pointers.drop_statement(values[1]))
    assert sweep(folded).failure == ""
