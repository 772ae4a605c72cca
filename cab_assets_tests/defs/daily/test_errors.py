import socket
from collections.abc import Iterator

import pytest

from cab_assets.daily import retries
from cab_assets.defs import resources
from cab_assets.sources import postgresql
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.patience import within
from cab_assets_tests.pipeline import ASSETS, TABLES, Outcome, Pipeline
from cab_assets_tests.rides import ride

DAY = "2020-04-01"
NOBODY = 1  # a port that nobody listens on


@pytest.fixture
def ready(pipeline: Pipeline) -> Pipeline:
    """A pipeline that has a day to bring over and shows nothing yet."""
    pipeline.insert(ride("BK100000001", f"{DAY} 10:00:00"))
    return pipeline


@pytest.fixture(autouse=True)
def one_quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def failed(
    pipeline: Pipeline, says: str, *, first: str = DAY, assets: tuple[str, ...] = ASSETS
) -> Outcome:
    """A run that fails in time with these words, without the password anywhere."""
    with within(60):
        run = pipeline.run(first, assets=assets)
    assert not run.success
    assert says in run.failure
    assert str(pipeline.env.bookings_db_password) not in run.log
    return run


def heals(pipeline: Pipeline) -> None:
    run = pipeline.run(DAY)
    assert run.failure == ""
    assert run.materialized == {(asset, DAY) for asset in ASSETS}
    pipeline.is_like_source(DAY)


@pytest.mark.faults
def test_a_database_that_is_down(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("CAB_BOOKINGS_DB_URL", f"postgresql://cab@127.0.0.1:{NOBODY}/cab")
        broken.setenv("CAB_BOOKINGS_DB_PASSWORD", str(ready.env.bookings_db_password))
        run = failed(
            ready,
            "Check CAB_BOOKINGS_DB_URL, CAB_BOOKINGS_DB_PASSWORD, CAB_BOOKINGS_DB_CA and the server"
            " with `cab doctor`, then run again",
        )
        assert run.materialized == set()
    heals(ready)


@pytest.mark.faults
def test_a_database_that_never_answers(
    ready: Pipeline, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    monkeypatch.setenv("CAB_BOOKINGS_DB_URL", f"postgresql://cab@127.0.0.1:{silent_port}/cab")
    monkeypatch.setenv("CAB_BOOKINGS_DB_PASSWORD", str(ready.env.bookings_db_password))
    assert failed(ready, "`cab doctor`, then run again").materialized == set()


def test_a_wrong_password(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("CAB_BOOKINGS_DB_PASSWORD", "hunter2 of 2020")
        run = failed(ready, "password authentication failed")
        assert "hunter2" not in run.log
    heals(ready)


def test_a_table_that_is_not_there(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAB_BOOKINGS_TABLE", "absent")
    failed(
        ready,
        "the bookings database has no table absent that this user may read; set CAB_BOOKINGS_TABLE"
        " or grant SELECT on it",
    )


def test_a_database_on_another_clock(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(postgresql, "CLOCK", f"{postgresql.CLOCK} + interval '1 hour'")
        run = failed(ready, "s ahead of the clock of this machine. Days and the order of versions")
        assert run.materialized == set()
        assert ready.versions(BOOKINGS, DAY) == []
    heals(ready)


@pytest.mark.parametrize(
    ("change", "says", "undo"),
    [
        (
            "DROP COLUMN cab_color",
            "column cab_color is missing",
            "ADD COLUMN cab_color varchar(40)",
        ),
        ("RENAME tip_amount TO tip", "column tip_amount is missing", "RENAME tip TO tip_amount"),
        (
            "ALTER trip_fare TYPE double precision",
            "trip_fare is double precision, which does not fit decimal(12,2)",
            "ALTER trip_fare TYPE numeric(12,2)",
        ),
        (
            "ALTER trip_fare TYPE money",
            "trip_fare is money, which does not fit decimal(12,2)",
            "ALTER trip_fare TYPE numeric(12,2)",
        ),
        (
            "ALTER passenger_count TYPE text",
            "passenger_count is text, which does not fit int",
            "ALTER passenger_count TYPE int USING passenger_count::int",
        ),
        (
            "ALTER pickup_timestamp TYPE text",
            "pickup_timestamp is text, which",
            "ALTER pickup_timestamp TYPE timestamp USING pickup_timestamp::timestamp",
        ),
    ],
)
def test_a_source_of_another_shape(ready: Pipeline, change: str, says: str, undo: str) -> None:
    ready.sql(f"ALTER TABLE {{table}} {change}")
    run = failed(ready, says, assets=("raw_bookings", "bookings"))
    assert "changed: " in run.failure
    assert run.materialized == set()
    assert ready.versions(BOOKINGS, DAY) == []
    ready.sql(f"ALTER TABLE {{table}} {undo}")
    assert ready.run(DAY, assets=["raw_bookings", "bookings"]).failure == ""


def test_a_column_more_is_left_out_with_a_warning(ready: Pipeline) -> None:
    ready.sql("ALTER TABLE {table} ADD COLUMN surge numeric(4,2) DEFAULT 1.5")
    run = ready.run(DAY, assets=["raw_bookings", "bookings"])
    assert run.success
    assert f"{DAY}: the source has columns that are not imported: surge" in run.log
    assert run.metadata["raw_bookings", DAY]["columns_left_out"] == ["surge"]
    assert len(ready.in_hive(BOOKINGS, DAY)[0]) == len(BOOKINGS.names) + 1


def test_a_hiveserver2_that_is_down(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("CAB_HIVE_URL", f"hive://cab@127.0.0.1:{NOBODY}/{ready.hive.database}")
        run = failed(ready, f"HiveServer2 at 127.0.0.1:{NOBODY} does not answer")
        assert run.materialized == {("raw_bookings", DAY)}
        assert "see `cab doctor`, then run again" in run.failure
    heals(ready)


def test_a_hiveserver2_that_never_answers(
    ready: Pipeline, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    monkeypatch.setenv("CAB_HIVE_URL", f"hive://cab@127.0.0.1:{silent_port}/{ready.hive.database}")
    monkeypatch.setattr(resources, "ANSWER_TIMEOUT_SECONDS", 2)
    failed(ready, f"HiveServer2 at 127.0.0.1:{silent_port} does not answer")


def test_a_spark_connect_that_is_down(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setenv("CAB_SPARK_REMOTE", f"sc://127.0.0.1:{NOBODY}")
        run = failed(ready, f"Spark Connect at sc://127.0.0.1:{NOBODY} cannot be reached")
        assert run.materialized == {("raw_bookings", DAY), ("bookings", DAY)}
    heals(ready)


def test_both_sparks(ready: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAB_SPARK_REMOTE", "sc://127.0.0.1:15002")
    monkeypatch.setenv("CAB_SPARK_MASTER", "local[2]")
    run = ready.run(DAY)
    assert not run.success
    assert (
        "exactly one of CAB_SPARK_REMOTE and CAB_SPARK_MASTER must be set, both are" in run.failure
    )


def test_a_partition_that_points_elsewhere_is_left_alone(ready: Pipeline) -> None:
    elsewhere = f"{ready.lake.root}/of-another-team"
    ready.store(BOOKINGS).declare()
    ready.store(BOOKINGS).pointers.add({DAY: elsewhere})
    failed(
        ready,
        f"the partition of bookings/{DAY} points to {elsewhere}, which is not a version in"
        f" {ready.lake.root}. The pipeline did not change it",
        assets=("raw_bookings", "bookings"),
    )
    assert ready.store(BOOKINGS).pointers.locations([DAY]) == {DAY: elsewhere}
    ready.hive.execute(
        f"ALTER TABLE {ready.hive.name(BOOKINGS.name)} DROP PARTITION (booking_date='{DAY}')"
    )
    heals(ready)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("2020-02-30", "2020-02-30"),
        ("2019-12-31", "2019-12-31: is not a partition: valid days are 2020-01-01 to "),
    ],
)
def test_a_partition_key_that_is_no_day_of_ours(ready: Pipeline, key: str, says: str) -> None:
    ended = ready.execute(key)
    assert ended.returncode == 1
    assert says in ended.stderr
    assert [
        ready.hive.execute(f"SHOW TABLES IN {ready.hive.database} LIKE '{table.name}'")
        for table in TABLES
    ] == [[], []]


def test_a_password_of_any_signs_works_and_is_not_told(
    ready: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "a b+c%20/@:?#é$'"
    user = f"odd_{ready.table}"
    ready.sql(f"CREATE ROLE {user} LOGIN PASSWORD '" + password.replace("'", "''") + "'")
    ready.sql(f"GRANT SELECT ON {{table}} TO {user}")
    monkeypatch.setenv(
        "CAB_BOOKINGS_DB_URL", str(ready.env.bookings_db_url).replace("cab@", f"{user}@")
    )
    monkeypatch.setenv("CAB_BOOKINGS_DB_PASSWORD", password)
    run = ready.run(DAY, assets=["raw_bookings"])
    assert run.failure == ""
    assert password not in run.log
