"""A MySQL whose connections are killed while a day is read: the day is imported again."""

from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from cab_assets.daily import retries
from cab_assets.sources.source_day import ControlTotals, SourceDay
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster
DAY = "2020-01-02"
OTHERS = (
    "SELECT id FROM information_schema.processlist WHERE user = 'cab' AND id <> connection_id()"
)


@pytest.fixture
def servers(mariadb: Database, tmp_path: Path) -> dict[str, str]:
    return {**mariadb.variables, "CAB_LAKE_ROOT": f"file://{tmp_path}/lake"}


def kill_others(pipeline: Pipeline) -> None:
    with pipeline.db.cursor() as cursor:
        cursor.execute(OTHERS)
        for (number,) in cursor.fetchall():
            with suppress(pymysql.MySQLError):  # it has ended by itself
                cursor.execute(f"KILL {number}")


def test_a_day_whose_connection_is_killed_is_imported_by_a_retry(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    whole, left = SourceDay.control_totals, iter(range(1))

    def control(day: SourceDay) -> ControlTotals:
        if next(left, None) is not None:
            kill_others(pipeline)
        return whole(day)

    monkeypatch.setattr(SourceDay, "control_totals", control)
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    run = pipeline.run(DAY)
    assert run.failure == ""
    assert f"{DAY}: retry 1 of 1 follows in 0.1 s, after mysql://" in run.log
    pipeline.is_like_source(DAY)
