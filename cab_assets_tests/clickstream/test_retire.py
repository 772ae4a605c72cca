import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from cab_assets.clickstream.batch import (
    Batch,
    BatchContents,
    Range,
    TopicEnd,
    batch_path,
    write_batch,
)
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.query import CHECKPOINTS
from cab_assets.clickstream.retire import KEPT, collect_batches, is_over, retirable
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES
from cab_assets_tests.clickstream.test_offsets import newest

NOW = datetime(2020, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FOLDER = "run-0-4"  # the fifth micro-batch of a run's first query


def batch(number: int, age: timedelta = HOUR, **other: object) -> Batch:
    known = {
        "folder": f"run-0-{number}",
        "previous": None,
        "topic": "clicks",
        "ranges": (),
        "contents": BatchContents(),
        "run_id": "run",
    }
    return Batch.model_validate(
        {
            **known,
            "number": number,
            "written": NOW - age,
            "topics": {"clicks": TopicEnd(id="one", ends={})},
            **other,
        }
    )


def retired(batches: list[Batch], *lacking: int, retention: timedelta = HOUR) -> list[int]:
    return retirable(
        batches, [each for each in batches if each.number in lacking], retention=retention, now=NOW
    )


def test_batches_that_are_folded_everywhere_are_retired_once_they_are_old_enough() -> None:
    batches = [batch(1, 3 * HOUR), batch(2, 2 * HOUR), batch(3, HOUR), batch(4, 0 * HOUR)]
    assert retired(batches, retention=2 * HOUR) == [1, 2]
    assert retired(batches, retention=4 * HOUR) == []


def test_the_newest_commit_is_the_state_and_never_retired() -> None:
    assert retired([batch(8), batch(9)], retention=0 * HOUR) == [8]
    assert retired([batch(9)], retention=0 * HOUR) == []
    assert retired([], retention=0 * HOUR) == []


def test_nothing_is_retired_from_the_first_batch_on_that_some_day_lacks() -> None:
    batches = [batch(number) for number in range(1, 7)]
    assert retired(batches, 4) == [1, 2, 3]
    assert retired(batches, 5, 3) == [1, 2]
    assert retired(batches, 1) == []


def test_what_stays_has_no_hole_though_one_writer_had_a_clock_ahead() -> None:
    batches = [batch(1, 2 * HOUR), batch(2, -HOUR), batch(3, 2 * HOUR), batch(4, 2 * HOUR)]
    assert retired(batches, retention=HOUR) == [1]


def test_a_fast_feed_leaves_no_more_than_so_many_folded_batches_however_young() -> None:
    batches = [batch(number, timedelta(0)) for number in range(1, KEPT + 502)]
    assert retired(batches) == list(range(1, 501))
    assert len(batches) - len(retired(batches)) == KEPT + 1  # and the newest


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / batch_path(FOLDER)).mkdir(parents=True)
    return Lake(f"file://{tmp_path}")


@pytest.mark.parametrize(
    ("committed", "over"),
    [
        ({0: 10, 1: 5}, False),
        ({0: 10, 1: 6}, True),
        ({0: 11, 1: 5}, True),
        ({0: 20, 1: 9}, True),
        ({0: 9}, False),
    ],
)
def test_a_batch_that_was_not_committed_is_over_when_a_record_of_it_was_committed_by_another(
    lake: Lake, committed: Offsets, over: bool
) -> None:
    # Of the first, nothing
    ranges = (Range(partition=0, start=10, end=10), Range(partition=1, start=5, end=9))
    write_batch(lake, batch(4, folder=FOLDER, ranges=ranges))
    assert is_over(lake, FOLDER, newest(committed)) is over
    assert not is_over(lake, FOLDER, newest(committed, topic="another"))
    assert not is_over(lake, FOLDER, None)


def test_a_batch_that_moves_no_offsets_is_over_when_its_number_is_behind(lake: Lake) -> None:
    for number, over in ((6, True), (7, False), (8, False)):
        write_batch(lake, batch(number, folder=FOLDER, kind="replay"))
        assert is_over(lake, FOLDER, newest({0: 9})) is over  # which is batch 7


@pytest.mark.parametrize(
    ("committed", "over"),
    [({0: 20, 1: 9}, True), ({0: 20, 1: 8}, False), ({0: 20}, False), ({}, False)],
)
def test_a_folder_still_without_a_manifest_is_over_when_all_that_its_query_put_there_is_committed(
    lake: Lake, committed: Offsets, over: bool
) -> None:
    log = f"{CHECKPOINTS}/run-0/offsets"
    lake.files.create_dir(log)
    lake.write(f"{log}/4", b"v1\n{}\n" + json.dumps({"clicks": {"0": 20, "1": 9}}).encode())
    assert is_over(lake, FOLDER, newest(committed)) is over


def test_a_folder_without_a_manifest_is_over_when_its_query_has_thrown_its_checkpoint_away(
    lake: Lake,
) -> None:
    lake.files.create_dir(f"{CHECKPOINTS}/run-0/offsets")
    assert not is_over(lake, FOLDER, None)
    lake.files.delete_dir(f"{CHECKPOINTS}/run-0")
    assert is_over(lake, FOLDER, None)


class NoBatches(Ledger):
    def newest(self, hint: int | None = None) -> None:  # noqa: ARG002
        return None

    def shown(self, newest: Batch | None) -> list[Batch]:  # noqa: ARG002
        return []


def test_only_folders_that_a_run_or_a_command_made_are_deleted(lake: Lake) -> None:
    run, root = str(uuid4()), CLICKSTREAM_BATCHES.name
    ours = [
        f"{root}/{run}-0-4",
        f"{root}/replay-20200101T000000Z-{run}-0",
        f"{CHECKPOINTS}/{uuid4()}-0",
    ]
    theirs = [
        f"{root}/my-backup",
        f"{root}/{run}-0-4.bak",
        f"{root}/2020-01-01",
        batch_path(FOLDER),
    ]
    for folder in [*ours, *theirs, f"{CHECKPOINTS}/old"]:
        lake.files.create_dir(folder)
    for file in (f"{root}/README.txt", f"{CHECKPOINTS}/README.txt", f"{root}/{run}-0-5"):
        lake.write(file, b"read me")
        theirs.append(file)
    ledger = NoBatches(lake, None)  # type: ignore[arg-type]
    found = collect_batches(ledger, grace=0 * HOUR, now=NOW, active_runs=())
    assert [each.path for each in found] == sorted(ours[:2]) + ours[2:]
    left = {info.path for folder in (root, CHECKPOINTS) for info in lake.list(folder)}
    assert left == {*theirs, CHECKPOINTS, f"{CHECKPOINTS}/old"}
