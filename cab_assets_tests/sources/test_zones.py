from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cab_assets.clients.clocks import ZonesDisagree
from cab_assets.daily.import_day import import_day
from cab_assets.sources import postgresql_windows
from cab_assets.store.manifest import Manifest
from cab_assets.wiring import Clients
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.versions import bookings_day

HOURS = """
    INSERT INTO {table} (booking_id, pickup_timestamp, drop_timestamp, trip_fare)
    SELECT 'BK' || to_char(instant, 'YYYYMMDDHH24MI'), instant, instant, 1
    FROM generate_series(timestamptz '%s 00:30Z' - interval '1 day',
        timestamptz '%s 00:30Z' + interval '2 days', interval '1 hour') AS instants (instant)
"""


def imported(pipeline: Pipeline, zone: str, day: str) -> Manifest:
    db = Clients(pipeline.env.but(timezone=ZoneInfo(zone))).bookings_db
    return import_day(db, bookings_day(pipeline.lake, day), "run").manifest


def pickups(pipeline: Pipeline, manifest: Manifest) -> list[datetime]:
    day = bookings_day(pipeline.lake, manifest.day)
    path = f"{day.folder(manifest.version)}/{manifest.files[0].name}"
    read: pa.Table = pq.read_table(path, filesystem=pipeline.lake.files)
    return sorted(read["pickup_timestamp"].to_pylist())


@pytest.fixture
def zoned(pipeline: Pipeline) -> Pipeline:
    for column in ("pickup_timestamp", "drop_timestamp"):
        pipeline.sql(f"ALTER TABLE {{table}} ALTER {column} TYPE timestamptz")
    return pipeline


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("UTC", "2020-03-08", 24, id="UTC"),
        pytest.param("Asia/Kolkata", "2020-03-08", 24, id="half an hour off"),
        pytest.param("America/New_York", "2020-03-08", 23, id="23 hours"),
        pytest.param("America/New_York", "2020-11-01", 25, id="25 hours"),
        pytest.param("America/Sao_Paulo", "2018-11-04", 23, id="a day without a midnight"),
        pytest.param("America/Havana", "2020-11-01", 25, id="a day with two midnights"),
        pytest.param("America/Havana", "2020-10-31", 24, id="the day before"),
        pytest.param("America/Sao_Paulo", "2018-02-17", 25, id="a day that ends twice"),
        pytest.param("America/Sao_Paulo", "2018-02-18", 24, id="the day after"),
    ],
)
def test_a_day_of_instants_is_a_day_of_the_zones_wall_clock(
    zoned: Pipeline, monkeypatch: pytest.MonkeyPatch, zone: str, day: str, hours: int
) -> None:
    # Clocks that are set forth and back run through many windows
    monkeypatch.setattr(postgresql_windows, "WINDOW_ROWS", 1)
    zoned.sql(HOURS.replace("%s", day))
    manifest = imported(zoned, zone, day)
    expected = zoned.sql(
        f"SELECT pickup_timestamp AT TIME ZONE '{zone}' FROM {{table}} WHERE (pickup_timestamp AT"
        f" TIME ZONE '{zone}')::date = '{day}'"
    )
    assert manifest.passed, manifest.findings
    assert pickups(zoned, manifest) == sorted(row[0] for row in expected)
    assert manifest.rows == hours


def test_a_wall_clock_is_taken_as_it_stands_whatever_the_zone(pipeline: Pipeline) -> None:
    pipeline.sql(HOURS.replace("%s", "2020-03-08"))
    manifest = imported(pipeline, "America/New_York", "2020-03-08")
    assert pickups(pipeline, manifest) == [datetime(2020, 3, 8, hour, 30) for hour in range(24)]  # noqa: DTZ001
    assert manifest.fingerprint
    assert Decimal(str(manifest.fingerprint.totals["fare"])) == 24


def test_another_business_zone_gives_a_day_of_instants_other_times(zoned: Pipeline) -> None:
    zoned.sql(
        "INSERT INTO {table} (booking_id, pickup_timestamp) VALUES ('BK1', '2020-03-08 12:00Z')"
    )
    first = imported(zoned, "UTC", "2020-03-08")
    second = imported(zoned, "Asia/Kolkata", "2020-03-08")
    assert [each.hour for each in pickups(zoned, first) + pickups(zoned, second)] == [12, 17]
    assert imported(zoned, "Asia/Kolkata", "2020-03-08").version == second.version
    zoned.sql("ALTER TABLE {table} ALTER pickup_timestamp TYPE timestamp")
    assert [
        each.hour for each in pickups(zoned, imported(zoned, "Asia/Kolkata", "2020-03-08"))
    ] == [12]


def test_a_zone_whose_name_is_a_fixed_offset_to_the_server_is_named(zoned: Pipeline) -> None:
    zoned.sql("INSERT INTO {table} (booking_id, pickup_timestamp) VALUES ('BK1', '2026-07-05Z')")
    assert imported(zoned, "CET", "2026-01-05").passed
    with pytest.raises(ZonesDisagree, match="by a city, such as Europe/Paris"):
        imported(zoned, "CET", "2026-07-05")
    assert imported(zoned, "Europe/Paris", "2026-07-05").passed
