"""What is the databases' own: TLS, and the types and times of MySQL's protocol."""

from pathlib import Path

import pytest
import trustme

from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import NO_TIME, ride

pytestmark = pytest.mark.cluster


@pytest.fixture(params=["mariadb", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def servers(database: Database, tmp_path: Path) -> dict[str, str]:
    """All but the database is the stack's."""
    return {**database.variables, "CAB_LAKE_ROOT": f"file://{tmp_path}/lake"}


DAY = "2020-01-02"
on_mariadb = pytest.mark.parametrize("database", ["mariadb"], indirect=True)


def test_a_server_that_another_authority_vouches_for_is_refused(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("CAB_BOOKINGS_DB_CA", str(tmp_path / "other.pem"))
    failure = pipeline.run(DAY).failure
    assert "certificate verify failed" in failure
    assert (
        "Check CAB_BOOKINGS_DB_URL, CAB_BOOKINGS_DB_PASSWORD, CAB_BOOKINGS_DB_CA and the server"
        in failure
    )


def test_a_server_under_another_name_is_refused(
    pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "CAB_BOOKINGS_DB_URL",
        database.variables["CAB_BOOKINGS_DB_URL"].replace("127.0.0.1", "localhost"),
    )
    assert "localhost" in (failure := pipeline.run(DAY).failure)
    assert "match" in failure or "verify failed" in failure


@on_mariadb
def test_a_server_that_wants_tls_refuses_one_who_comes_without(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_BOOKINGS_DB_CA", "")
    assert "Access denied for user 'cab'" in pipeline.run(DAY).failure


def test_the_rows_come_encrypted_as_the_figures_do(pipeline: Pipeline) -> None:
    """The users may not come in otherwise, and a day has both."""
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)


@on_mariadb
def test_times_with_a_zone_are_read_on_the_clock_of_the_business(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_TIMEZONE", "Asia/Kolkata")
    pipeline.sql(
        "ALTER TABLE {table} MODIFY pickup_timestamp timestamp(6) NULL, MODIFY drop_timestamp"
        " timestamp NULL"
    )
    pipeline.insert(
        ride("BK1", "2020-01-01 18:29:59.999999"),  # still the day before, in Kolkata
        ride("BK2", "2020-01-01 18:30:00", drop_timestamp="2020-01-01 19:00:00"),
        ride("BK3", "2020-01-02 18:29:59.999999", drop_timestamp=NO_TIME),
        ride("BK4", "2020-01-02 18:30:00"),
    )
    run = pipeline.run(DAY, assets=["raw_bookings", "bookings"])
    assert run.failure == ""
    found = [(row[0], str(row[9]), str(row[10])) for row in pipeline.in_hive(BOOKINGS, DAY)]
    assert found == [
        ("BK2", "2020-01-02 00:00:00", "2020-01-02 00:30:00"),
        ("BK3", "2020-01-02 23:59:59.999999", "None"),
    ]


@on_mariadb
def test_a_server_that_does_not_know_the_zone_is_named_before_any_data_moves(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test's server was told of Kolkata alone
    monkeypatch.setenv("CAB_TIMEZONE", "Pacific/Chatham")
    pipeline.sql("ALTER TABLE {table} MODIFY pickup_timestamp timestamp(6) NULL")
    pipeline.insert(ride("BK1", f"{DAY} 10:00:00"))
    assert "does not know the time zone Pacific/Chatham" in pipeline.run(DAY).failure
    assert pipeline.versions(BOOKINGS, DAY) == []


@on_mariadb
def test_other_types_that_hold_the_same_are_as_good(pipeline: Pipeline) -> None:
    changes = [
        "pickup_timestamp datetime",
        "customer_id int unsigned",
        "passenger_count tinyint unsigned",
        "pickup_lat decimal(10,7)",
        "cab_color longtext",
    ]
    pipeline.sql(f"ALTER TABLE {{table}} {', '.join(f'MODIFY {change}' for change in changes)}")
    pipeline.insert(
        ride("BK1", f"{DAY} 23:59:59", customer_id=2**32 - 1, passenger_count=255),
        ride("BK2", f"{DAY} 00:00:00", pickup_lat=None),
    )
    assert pipeline.run(DAY).failure == ""
    rows = pipeline.in_hive(BOOKINGS, DAY)
    assert [(row[0], row[1], row[5], row[18]) for row in rows] == [
        ("BK1", 2**32 - 1, 12.9715987, 255),
        ("BK2", 11, None, 1),
    ]


@on_mariadb
def test_a_pickup_at_no_time_is_in_no_day_and_counted(pipeline: Pipeline) -> None:
    pipeline.insert(
        ride("BK1", NO_TIME, drop_timestamp=f"{DAY} 10:00:00"), ride("BK2", f"{DAY} 10:00:00")
    )
    assert pipeline.run(DAY).failure == ""
    pipeline.is_like_source(DAY)
    assert pipeline.db.rows_without_a_day(pipeline.env.start_date, seconds=10) == 1


@on_mariadb
def test_a_column_that_does_not_fit_stops_the_day_by_name(pipeline: Pipeline) -> None:
    pipeline.sql("ALTER TABLE {table} MODIFY customer_id float, MODIFY trip_fare double")
    failure = pipeline.run(DAY).failure
    assert "customer_id is float, which does not fit bigint" in failure
    assert "trip_fare is double, which does not fit decimal(12,2)" in failure
