"""What ConnectorX reads from MariaDB is compared with the same rows by PyMySQL, of one state of the
day or two.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cab_assets.daily.arrival import arrived
from cab_assets.sources.dialect import Snapshot
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.source_day import ControlTotals, Slice, SourceDay
from cab_assets.store.checks import Judgement
from cab_assets.store.manifest import Finding, Manifest
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.patience import patience
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"


@pytest.fixture
def rides(mariadb: Database, tmp_path: Path) -> Rides:
    made = new_rides(mariadb, f"arrival_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    made.insert(ride("BK1", f"{DAY} 10:00:00", cab_color="ключ"), ride("BK2", f"{DAY} 11:00:00"))
    return made


def proof(manifest: Manifest) -> Finding:
    (found,) = (each for each in manifest.findings if each.check == "arrived_as_sent")
    return found


def test_a_text_in_the_character_set_of_another_session_is_caught(
    rides: Rides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the proof of the texts' sizes, which is of every row."""
    snapshot = MySQL.snapshot

    def latin1(dialect: MySQL, cursors: Sequence[Any], table: str) -> Snapshot:
        made = snapshot(dialect, cursors, table)
        return replace(made, join=[*made.join, "SET character_set_results = latin1"])

    monkeypatch.setattr(MySQL, "snapshot", latin1)
    monkeypatch.setattr(SourceDay, "_raise_if_texts_differ", lambda *_: None)
    manifest = rides.run(DAY)
    assert manifest.failed == ["arrived_as_sent"]
    assert proof(manifest).detail["cab_color of BK1"] == "source 'ключ', written '????'"


def test_rides_that_change_before_they_are_compared_are_only_counted(
    rides: Rides, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = arrived

    def late(*of: Any) -> Judgement:
        rides.admin("UPDATE {table} SET driver_id = driver_id + 1")
        return compare(*of)

    monkeypatch.setattr("cab_assets.daily.import_day.arrived", late)
    manifest = rides.run(DAY)
    assert (manifest.failed, proof(manifest).detail) == (
        [],
        {"compared": "2", "changed between the two readings": "2"},
    )


def test_rides_that_change_after_their_one_statement_are_only_counted(
    rides: Rides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is read again, as the figures and the rows were of two states."""
    control, slices, changed = SourceDay.control_totals, SourceDay.slices, threading.Event()
    compare = arrived

    def change() -> None:
        rides.admin("UPDATE {table} SET driver_id = driver_id + 1 WHERE booking_id = 'BK2'")
        changed.set()

    def first(source: SourceDay) -> ControlTotals:
        figures = control(source)
        change()
        return figures

    def second(source: SourceDay) -> Iterator[Slice]:
        assert changed.wait(patience(20))
        yield from slices(source)

    def third(*of: Any) -> Judgement:
        change()
        return compare(*of)

    monkeypatch.setattr(SourceDay, "control_totals", first)
    monkeypatch.setattr(SourceDay, "slices", second)
    monkeypatch.setattr("cab_assets.daily.import_day.arrived", third)
    manifest = rides.run(DAY)
    assert manifest.failed == []
    assert proof(manifest).detail == {"compared": "2", "changed between the two readings": "1"}


def test_a_value_that_arrives_as_another_is_caught_though_other_rides_change(
    rides: Rides, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices, compare = SourceDay.slices, arrived

    def altered(source: SourceDay) -> Iterator[Slice]:
        for each in slices(source):
            rows = [row | {"customer_id": row["customer_id"] + 1} for row in each.rows.to_pylist()]
            yield replace(each, rows=each.rows.from_pylist(rows, each.rows.schema))

    def late(*of: Any) -> Judgement:
        rides.admin("UPDATE {table} SET driver_id = driver_id + 1 WHERE booking_id = 'BK2'")
        rides.admin("DELETE FROM {table} WHERE booking_id = 'BK3'")
        return compare(*of)

    rides.insert(ride("BK3", f"{DAY} 12:00:00"))
    monkeypatch.setattr(SourceDay, "slices", altered)
    monkeypatch.setattr("cab_assets.daily.import_day.arrived", late)
    manifest = rides.run(DAY)
    assert manifest.failed == ["arrived_as_sent"]
    found = {"customer_id of BK1": "source 11, written 12", "different": "1"}
    assert proof(manifest).detail == found | {
        "compared": "3",
        "changed between the two readings": "2",
    }
