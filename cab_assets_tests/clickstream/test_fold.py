"""Folding without a Spark: what a day is made from, and what a day that fails does to
the others.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cab_assets.clickstream.batch import Batch, BatchContents, BatchFile, batch_path, write_batch
from cab_assets.clickstream.chain import AnotherBatch, BatchesGone, DamagedBatch
from cab_assets.clickstream.day_tables import REJECT_DAYS, DayTable, Due
from cab_assets.clickstream.fold import Folding
from cab_assets.clients.known_failures import LakeLocked, Refused
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark, SparkFailed
from cab_assets.store.manifest import MANIFEST, Manifest
from cab_assets.store.stored_day import CONDEMNED, StoredDay
from cab_assets.store.table_store import TableStore
from cab_assets.tables.clicks import REJECTS
from cab_assets_tests.clickstream.test_retire import batch
from cab_assets_tests.versions import recorded, written

DAY, OTHER, THIRD = "2020-03-14", "2020-03-15", "2020-03-16"
VERSION = "{:012d}-001-run"


class NoSpark(Spark):
    def run(self, job: Callable[[Any], Any]) -> Any:
        return job(None)


@dataclass(frozen=True)
class Rows(DayTable):
    """Writes no rows for each day; `fails` are days that no job can write."""

    fails: dict[str, Refused] = field(default_factory=dict)
    jobs: list[list[str]] = field(default_factory=list)

    def write(self, session: Any, lake: Lake, due: list[Due], version: str) -> None:  # noqa: ARG002
        self.jobs.append([each.day.date for each in due])
        for each in due:
            if error := self.fails.get(each.day.date):
                raise error
            written(each.day, version)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(f"file://{tmp_path}")


def committed(lake: Lake, *numbers: int, days: tuple[str, ...] = (DAY,)) -> list[Batch]:
    """A chain of batches that touch `days` without a record."""
    batches = []
    for number in numbers:
        contents = BatchContents(ingest_dates=dict.fromkeys(days, 0))
        one = batch(
            number, contents=contents, previous=f"run-0-{number - 1}" if number > 1 else None
        )
        lake.make_folder(batch_path(one.folder))
        write_batch(lake, one)
        batches.append(one)
    return batches


def version(lake: Lake, through: int, folder: str | None = None, *, suffix: str = "") -> str:
    """Make a version of DAY without rows; return its folder."""
    stored, name = StoredDay(REJECTS, lake, DAY), VERSION.format(through) + suffix
    files = written(stored, name)
    known = {
        "table": "rejects",
        "day": DAY,
        "code_version": 1,
        "findings": (),
        "seconds": 0,
        "rows": 0,
    }
    more = {"version": name, "files": files, "through_batch": through, "through_folder": folder}
    recorded(stored, Manifest.model_validate({**known, **more}))
    return stored.folder(name)


def folding(lake: Lake, batches: list[Batch], **target: Any) -> Folding:
    store = TableStore(REJECTS, lake, None)  # type: ignore[arg-type]  # folding asks no Hive
    return Folding(store, NoSpark(None, None), Rows(**vars(REJECT_DAYS), **target), "run", batches)


def numbers(due: Due) -> list[int]:
    return [each.number for each in due.batches]


def test_a_day_whose_newest_version_counts_asks_for_no_retired_batch(lake: Lake) -> None:
    version(lake, 2)
    (due,) = folding(lake, committed(lake, 8, 9)).due([DAY])
    assert (numbers(due), due.fault) == ([8, 9], None)


@pytest.mark.parametrize("damage", [CONDEMNED, MANIFEST, None])
@pytest.mark.parametrize("base", [2, None])
def test_a_lost_version_is_made_up_for_by_retired_batches(
    lake: Lake, damage: str | None, base: int | None
) -> None:
    if base:
        version(lake, base)
    lost = version(lake, 5)
    if damage:
        lake.write(f"{lost}/{damage}", b"{")
    else:
        lake.files.delete_dir(lost)
    batches = committed(lake, *range(1, 10))
    (due,) = folding(lake, batches[6:]).due([DAY], {DAY: VERSION.format(5)})
    assert (numbers(due), due.fault) == (list(range((base or 0) + 1, 10)), None)


def test_a_lost_version_whose_batches_are_gone_leaves_its_day_red(lake: Lake) -> None:
    version(lake, 2)
    lake.write(f"{version(lake, 5)}/{CONDEMNED}", b"")
    fold = folding(lake, committed(lake, 5, 6, 7, 8, 9, days=(DAY, OTHER))[2:])
    failed, made = fold.fold(fold.due([DAY, OTHER])).values()
    assert isinstance(failed, BatchesGone)
    assert str(failed).startswith(
        f"rejects/{DAY} lacks the records of batches 3 to 4: the folder run-0-4 has no manifest."
        f" Version {VERSION.format(5)} contained"
    )
    assert isinstance(made, Manifest)


def test_a_damaged_version_is_condemned_before_a_day_is_made_from_it(lake: Lake) -> None:
    version(lake, 2)
    damaged = version(lake, 5)
    lake.write(f"{damaged}/part-00000.parquet", b"cut")
    fold = folding(lake, committed(lake, *range(1, 10))[6:])
    (made,) = fold.fold(fold.due([DAY])).values()
    assert lake.info(f"{damaged}/{CONDEMNED}").is_file
    assert isinstance(made, Manifest)
    assert made.made_from == {"rejects": VERSION.format(2)}


@pytest.mark.parametrize(
    ("folder", "is_seen"), [(None, False), ("run-0-8", False), ("another-8", True)]
)
def test_a_day_that_goes_through_another_batch_of_the_same_number_is_red(
    lake: Lake, folder: str | None, is_seen: bool
) -> None:
    version(lake, 8, folder)
    (due,) = folding(lake, committed(lake, 7, 8, 9)).due([DAY])
    assert isinstance(due.fault, AnotherBatch) is is_seen
    assert is_seen or numbers(due) == [9]


def test_a_version_names_the_newest_batch_in_it(lake: Lake) -> None:
    fold = folding(lake, committed(lake, 1, 2))
    (made,) = fold.fold(fold.due([DAY])).values()
    assert isinstance(made, Manifest)
    assert (made.through_batch, made.through_folder) == (2, "run-0-2")


def test_a_damaged_version_gives_way_to_one_of_the_same_batches_and_none_is_made(
    lake: Lake,
) -> None:
    version(lake, 2)
    newest = version(lake, 2, suffix="-later")
    lake.files.delete_file(f"{newest}/part-00000.parquet")
    fold = folding(lake, committed(lake, 1, 2))
    assert fold.fold(fold.due([DAY])) == {}
    (due,) = fold.due([DAY])
    assert due.current
    assert due.current.version == VERSION.format(2)


def test_a_day_that_spark_cannot_write_fails_alone(lake: Lake) -> None:
    error = SparkFailed("no")
    fold = folding(lake, committed(lake, 1, days=(DAY, OTHER, THIRD)), fails={OTHER: error})
    outcomes = fold.fold(fold.due(fold.days()))
    assert outcomes[OTHER] is error
    assert [day for day, made in outcomes.items() if isinstance(made, Manifest)] == [DAY, THIRD]


def test_a_damaged_batch_fails_the_days_that_lack_it_before_a_job_reads_it(lake: Lake) -> None:
    first, second = committed(lake, 1, days=(DAY, OTHER, THIRD)) + committed(lake, 2, days=(OTHER,))
    damaged = second.model_copy(
        update={
            "contents": BatchContents(
                files=(BatchFile(name="a.parquet", bytes=3, rows=1),), ingest_dates={OTHER: 0}
            )
        }
    )
    fold = folding(lake, [first, damaged])
    outcomes = fold.fold(fold.due(fold.days()))
    assert isinstance(outcomes[OTHER], DamagedBatch)
    assert str(outcomes[OTHER]).startswith(
        "batch 2 is damaged: clickstream_batches/run-0-2/a.parquet is missing; restore the file"
    )
    assert fold.target.jobs == [[DAY, THIRD]]  # type: ignore[attr-defined]


def test_an_error_that_lies_with_spark_itself_ends_the_fold(lake: Lake) -> None:
    fold = folding(lake, committed(lake, 1, days=(DAY, OTHER)), fails={DAY: LakeLocked("no")})
    with pytest.raises(LakeLocked):
        fold.fold(fold.due(fold.days()))


def test_a_day_is_made_anew_from_its_batches_although_a_copy_of_its_version_lies_beside_it(
    lake: Lake,
) -> None:
    batches = committed(lake, 1, 2)
    newest = version(lake, 2, batches[-1].folder)
    root = Path(lake.root.removeprefix("file://"))
    for end in (".bak", "-copy"):
        shutil.copytree(root / newest, root / f"{newest}{end}")
    lake.write(f"{newest}/notes.txt", b"not of the version")
    (part,) = (root / newest).glob("*.parquet")
    part.unlink()
    fold = folding(lake, batches)
    (made,) = fold.fold(fold.due([DAY])).values()
    assert isinstance(made, Manifest)
