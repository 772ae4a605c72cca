"""What a day of clicks is made from, damaged: its newest version, or a batch that it lacks."""

import pytest

from cab_assets.clickstream.batch import batch_path
from cab_assets.declarations import Table
from cab_assets.store.manifest import MANIFEST
from cab_assets.tables.clicks import CLICKS
from cab_assets_tests.clicks import Clicks, event, numbered

pytestmark = pytest.mark.faults
DAY, OTHER = "2020-03-14", "2020-03-15"


@pytest.fixture
def sealed(clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> Clicks:
    """300 clicks of a day in two versions of it, their batches retired."""
    monkeypatch.setenv("CAB_BATCH_RETENTION_HOURS", "0")
    clicks.create(1)
    for start in (0, 100, 200):
        send(clicks, *numbered(range(start, start + 100)))
        assert start == 100 or clicks.fold().failure == ""
    send(clicks, event(timestamp=f"{OTHER} 10:00:00"))
    assert clicks.fold().failure == ""
    assert clicks.ledger.numbers() == {4}
    return clicks


def send(clicks: Clicks, *values: bytes) -> None:
    clicks.send(values)
    assert clicks.ingest().failure == ""


def cut(clicks: Clicks, folder: str) -> None:
    """Leave half of each Parquet file in a folder of the lake."""
    for info in clicks.pipeline.lake.list(folder):
        if info.base_name.endswith(".parquet"):
            clicks.pipeline.lake.write(
                info.path, clicks.pipeline.lake.read(info.path)[: info.size // 2]
            )


def newest_path(clicks: Clicks, table: Table, day: str) -> str:
    return clicks.pipeline.store(table).day(day).folder(clicks.pipeline.versions(table, day)[-1])


def count(clicks: Clicks, day: str) -> int:
    return int(clicks.query(f"SELECT count(*) FROM {{clicks}} WHERE event_date = '{day}'")[0][0])


@pytest.mark.parametrize("seen_before", [True, False])
def test_a_late_click_of_a_damaged_day_brings_back_the_rows_of_retired_batches(
    sealed: Clicks, seen_before: bool
) -> None:
    cut(sealed, newest_path(sealed, CLICKS, DAY))
    if seen_before:
        assert not sealed.pipeline.store(CLICKS).intact(sealed.pipeline.manifests(CLICKS, DAY))
    send(sealed, *numbered([300]))
    assert sealed.fold().failure == ""
    assert count(sealed, DAY) == 301


def test_a_damaged_day_is_made_anew_from_retired_batches_without_a_late_click(
    sealed: Clicks,
) -> None:
    cut(sealed, newest_path(sealed, CLICKS, DAY))
    assert sealed.fold(DAY).failure == ""
    assert count(sealed, DAY) == 300


def test_a_day_whose_version_folder_is_gone_is_made_anew_from_retired_batches(
    sealed: Clicks,
) -> None:
    sealed.pipeline.lake.files.delete_dir(newest_path(sealed, CLICKS, DAY))
    send(sealed, *numbered([300]))
    assert sealed.fold().failure == ""
    assert count(sealed, DAY) == 301


def test_a_damaged_day_stays_red_and_says_which_batches_are_gone(sealed: Clicks) -> None:
    lake = sealed.pipeline.lake
    cut(sealed, newest_path(sealed, CLICKS, DAY))
    (fourth,) = sealed.batches()
    lake.files.delete_file(f"{batch_path(str(fourth.previous))}/{MANIFEST}")
    send(sealed, *numbered([300]), event(customer_id="2", timestamp=f"{OTHER} 10:00:00"))
    for _ in range(2):
        said = sealed.fold().failure
        assert f"{DAY}: clicks/{DAY} lacks the records of batches 2 to 3" in said
    assert count(sealed, OTHER) == 2
    assert sealed.ledger.numbers() == {5}


def test_a_damaged_batch_fails_the_days_that_lack_it_and_no_others(clicks: Clicks) -> None:
    clicks.create(1)
    send(clicks, event(timestamp=f"{OTHER} 10:00:00"))
    send(clicks, event())
    cut(clicks, batch_path(clicks.batches()[-1].folder))
    said = clicks.fold().failure
    assert f"{DAY}: batch 2 is damaged" in said
    assert OTHER not in said
    assert clicks.places("clicks") == [(0, 0)]
