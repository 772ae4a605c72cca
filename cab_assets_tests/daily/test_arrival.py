"""A reader that gives other values than the source holds is caught, though counts, sums and hashes
are right.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cab_assets.daily import arrival
from cab_assets.daily.import_day import import_day
from cab_assets.dev.sample.load import load_days
from cab_assets.sources.source_day import Slice, SourceDay
from cab_assets.store.manifest import Finding, Manifest
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import bookings_day

DAY = date(2020, 9, 1)
Fault = Callable[[dict[str, Any], int], dict[str, Any]]  # of a row and its number


def latin1(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"cab_color": row["cab_color"].encode().decode("latin1")}


def wrapped_drop(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"drop_timestamp": row["drop_timestamp"] - timedelta(microseconds=2**32)}


def wrapped_pickup(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"pickup_timestamp": row["pickup_timestamp"] + timedelta(hours=5)}


def off_by_a_cent(row: dict[str, Any], number: int) -> dict[str, Any]:
    return {"trip_fare": row["trip_fare"] + (Decimal("0.01") if number % 2 else -Decimal("0.01"))}


def off_by_one(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"customer_id": row["customer_id"] + 1}


def unsigned_zero(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"drop_lon": abs(row["drop_lon"])}


def empty_for_null(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"cab_registration_no": row["cab_registration_no"] or ""}


def padded_key(row: dict[str, Any], _: int) -> dict[str, Any]:
    return {"booking_id": row["booking_id"] + " "}


def broken(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """Let the reader change each row, and no hash."""
    read = SourceDay.slices

    def altered(source: SourceDay) -> Any:
        for each in read(source):
            rows = [row | fault(row, number) for number, row in enumerate(each.rows.to_pylist())]
            yield Slice(each.rows.from_pylist(rows, each.rows.schema), each.row_hash)

    monkeypatch.setattr(SourceDay, "slices", altered)


def proof(manifest: Manifest) -> Finding:
    (found,) = (each for each in manifest.findings if each.check == "arrived_as_sent")
    return found


@pytest.fixture
def ridden(pipeline: Pipeline) -> Pipeline:
    odd = {"cab_color": "crème", "drop_lon": -0.0, "cab_registration_no": None}
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00", **odd), ride("BK2", f"{DAY} 11:00:00", **odd))
    return pipeline


@pytest.mark.parametrize(
    ("fault", "column", "source", "written"),
    [
        (latin1, "cab_color", "'crème'", "'crÃ¨me'"),
        (
            wrapped_drop,
            "drop_timestamp",
            "datetime.datetime(2020, 9, 1, 12, 30)",
            "(2020, 9, 1, 11, 18",
        ),
        (
            wrapped_pickup,
            "pickup_timestamp",
            "datetime.datetime(2020, 9, 1, 10, 0)",
            "(2020, 9, 1, 15",
        ),
        (off_by_a_cent, "trip_fare", "Decimal('100.00')", "Decimal('99.99')"),
        (off_by_one, "customer_id", "11", "12"),
        (unsigned_zero, "drop_lon", "-0.0", "0.0"),
        (empty_for_null, "cab_registration_no", "None", "''"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_value_that_arrives_as_another_withholds_its_day_by_column_key_and_values(
    ridden: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    column: str,
    source: str,
    written: str,
) -> None:
    broken(monkeypatch, fault)
    manifest = import_day(ridden.db, bookings_day(ridden.lake, DAY), "broken").manifest
    assert manifest.failed == ["arrived_as_sent"]
    said = proof(manifest).detail
    assert {name: said[name] for name in ("compared", "different")} == {
        "compared": "2",
        "different": "2",
    }
    found, _, ours = said[f"{column} of BK1"].partition(", written ")
    assert found == f"source {source}"
    assert written in ours


def test_a_key_that_the_source_has_not_is_named(
    ridden: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, padded_key)
    manifest = import_day(ridden.db, bookings_day(ridden.lake, DAY), "broken").manifest
    assert proof(manifest).detail["booking_id of BK1 "] == "not in the source"


def test_a_run_names_the_value_and_publishes_nothing(
    ridden: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, off_by_one)
    run = ridden.run(DAY.isoformat(), assets=["raw_bookings", "bookings"])
    said = "arrived_as_sent (compared: 2, different: 2, customer_id of BK1: source 11, written 12"
    assert said in run.failure
    assert run.materialized == set()


def test_other_rows_of_other_row_groups_are_compared_each_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cab_assets.store.writer.ROW_GROUP_ROWS", 1_000)
    monkeypatch.setattr("cab_assets.sources.postgresql_windows.WINDOW_ROWS", 500)
    load_days(pipeline.env, DAY, 1, 5_000, 7, print)
    taken, take = [], arrival.sample

    def noted(*of: Any) -> Any:
        rows = take(*of)
        taken.append({row["booking_id"] for row in rows})
        return rows

    monkeypatch.setattr(arrival, "sample", noted)
    for number in range(2):
        pipeline.sql("UPDATE {table} SET passenger_count = %s", number)
        manifest = import_day(
            pipeline.db, bookings_day(pipeline.lake, DAY), f"run-{number}"
        ).manifest
        assert manifest.passed
        assert proof(manifest).detail == {"compared": "300"}
    assert len(taken[0] - taken[1]) > 100
