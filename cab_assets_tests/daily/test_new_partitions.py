"""Partitions that a table gains while a day of it is imported."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.import_day import import_day
from cab_assets.environment import Environment
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, source
from cab_assets_tests.versions import bookings_day

NOON, END = f"'{DAY} 12:00'", f"'{DAY.replace(day=2)}'"
PARTITIONED = f"""
    CREATE TABLE {{role}}_all (LIKE {{table}}) PARTITION BY RANGE (pickup_timestamp);
    CREATE INDEX ON {{role}}_all (pickup_timestamp);
    CREATE TABLE {{role}}_am PARTITION OF {{role}}_all FOR VALUES FROM ('{DAY}') TO ({NOON});
    CREATE TABLE {{role}}_pm (LIKE {{table}});
    INSERT INTO {{role}}_am SELECT * FROM {{table}} WHERE pickup_timestamp < {NOON};
    INSERT INTO {{role}}_pm SELECT * FROM {{table}} WHERE pickup_timestamp >= {NOON};
    GRANT SELECT ON {{role}}_all TO {{role}}"""
ATTACH = (
    f"ALTER TABLE {{role}}_all ATTACH PARTITION {{role}}_pm FOR VALUES FROM ({NOON}) TO ({END})"
)


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.insert(*(ride(f"BK{hour}", f"{DAY} {hour:02}:00:00") for hour in range(24)))
        made.sql(PARTITIONED)
        yield made
        made.sql("DROP TABLE {role}_all")


def test_a_partition_attached_between_figures_and_rows_is_imported(
    table: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, slices = [ATTACH], SourceDay.slices

    def after_the_figures(day: SourceDay) -> Iterator[Slice]:
        if pending:
            day.control_totals()
            table.sql(pending.pop())
        return slices(day)

    monkeypatch.setattr(SourceDay, "slices", after_the_figures)
    db = replace(table.reader, table=f"{table.role}_all")
    manifest = import_day(db, bookings_day(Lake(f"file://{tmp_path}"), DAY), "run").manifest
    assert manifest.passed, manifest.findings
    assert manifest.rows == 24
