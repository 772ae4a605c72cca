"""A lake whose path holds characters that URLs, Hive or Spark could take for something else."""

from pathlib import Path

import pytest

from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

DAYS = ("2020-01-02", "2020-01-03")


@pytest.fixture
def servers(tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    folder = tmp_path / request.param
    folder.mkdir()
    return {"CAB_LAKE_ROOT": f"file://{folder}"}


@pytest.mark.parametrize(
    "servers", ["it's a 100% %20 lake", 'søé+&=;:,!@$~|<>^`"', "車 🚕", " a "], indirect=True
)
def test_a_lake_at_an_odd_path_shows_its_rows_in_hive(pipeline: Pipeline) -> None:
    pipeline.insert(*(ride(f"BK{day}", f"{day} 10:00:00") for day in DAYS))
    assert pipeline.run(*DAYS).failure == ""
    pipeline.is_like_source(*DAYS)
    pipeline.insert(ride("BK9", f"{DAYS[0]} 11:00:00"))
    assert pipeline.run(*DAYS).failure == ""
    pipeline.is_like_source(*DAYS)


@pytest.mark.parametrize("servers", ["it's a 100% %20 lake 車"], indirect=True)
def test_clicks_in_a_lake_at_an_odd_path_are_all_in_hive(clicks: Clicks) -> None:
    clicks.create()
    clicks.send(numbered(range(30)))
    assert clicks.ingest().success
    clicks.is_whole()
