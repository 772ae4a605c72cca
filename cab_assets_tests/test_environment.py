from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cab_assets import environment
from cab_assets.environment import BadEnvironment, Environment

CLUSTER = {
    "CAB_ENV": "cluster",
    "CAB_BOOKINGS_DB_URL": "mysql://reader@rds.example:3306/rides",
    "CAB_KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "CAB_HIVE_URL": "hive://etl@hive.example:10000/cab",
    "CAB_LAKE_ROOT": "s3://cab-lake/warehouse",
    "CAB_SPARK_MASTER": "yarn",
}
STACK = """\
CAB_BOOKINGS_DB_URL=postgresql://cab@127.0.0.1:5432/cab
CAB_BOOKINGS_DB_PASSWORD=of-the-stack
CAB_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092
CAB_HIVE_URL=hive://cab@127.0.0.1:10000/cab
CAB_SPARK_REMOTE=sc://127.0.0.1:15002
CAB_LAKE_ROOT='file:///home/my cab/lake'
"""


def cluster(**changed: str) -> Environment:
    return environment.read(CLUSTER | changed)


@pytest.fixture
def home(tmp_path: Path) -> str:
    """One where a stack is up."""
    (tmp_path / "stack.env").write_text(STACK)
    return str(tmp_path)


def test_values_are_typed_and_the_rest_has_defaults() -> None:
    current = cluster(CAB_TIMEZONE="Asia/Kolkata", CAB_LOOKBACK_DAYS="14")
    assert (current.timezone, current.lookback_days) == (ZoneInfo("Asia/Kolkata"), 14)
    assert (current.bookings_table, current.start_date) == ("bookings", date(2020, 1, 1))


def test_an_empty_variable_is_not_set() -> None:
    assert cluster(CAB_TIMEZONE="") == cluster()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("CAB_TIMEZON", "CAB_TIMEZONE"), ("CAB_BOOKING_DB_URL", "CAB_BOOKINGS_DB_URL")],
)
def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(
    misspelt: str, meant: str
) -> None:
    with pytest.raises(
        BadEnvironment, match=f"unknown variable {misspelt}; did you mean {meant}\\?"
    ):
        cluster(**{misspelt: "UTC"})


def test_a_variable_of_another_program_is_left_alone() -> None:
    assert cluster(CAB_DISPATCH_QUEUE="7") == cluster()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("CAB_ENV", "production", "must be one of embedded, cluster"),
        ("CAB_TIMEZONE", "Bombay", "must be a zone of the tz database"),
        ("CAB_START_DATE", "01.02.2020", "must be a day, as in 2020-01-01"),
        ("CAB_LOOKBACK_DAYS", "0", "must be an integer from 1 to 36500"),
        ("CAB_MAX_LOSS", "2", "must be a number from 0 to 1"),
        ("CAB_MAX_LOSS", "50%", "must be a number from 0 to 1"),
        ("CAB_LOOKBACK_DAYS", "week", "must be an integer from 1 to 36500"),
        (
            "CAB_BOOKINGS_DB_URL",
            "oracle://a@b/c",
            "must have the form postgresql://user@host:port/db or mysql://",
        ),
        (
            "CAB_BOOKINGS_TABLE",
            "bookings; DROP TABLE bookings",
            "must have the form table or schema.table",
        ),
        ("CAB_HIVE_URL", "hive.example:10000", "must have the form hive://user@host:port/cab"),
        (
            "CAB_HIVE_URL",
            "hive://hive.example:10000/cab?auth=LDAP",
            "must have the form hive://user@host:port/cab",
        ),
        ("CAB_LAKE_ROOT", "/lake", "must have the form file:///"),
        ("CAB_LAKE_ROOT", "hdfs:///lake", "must have the form file:///"),
        ("CAB_LAKE_ROOT", "s3://user@bucket/lake", "must have the form file:///"),
        ("CAB_LAKE_ROOT", "file:///", "must have the form file:///"),
        ("CAB_LAKE_ROOT", "file:///data/lake#1", "must not contain '#'"),
        ("CAB_LAKE_ROOT", "s3://bucket/lake?version=1", "must not contain '?'"),
        ("CAB_LAKE_ROOT", "file:///data/{a,b}", "must not contain '{'"),
        ("CAB_LAKE_ROOT", "hdfs://name:8020/data\\lake", "must not contain '\\\\'"),
        (
            "CAB_LAKE_ROOT",
            "hdfs://name:8020/data/a:b",
            "must not contain ':' in its path, which HDFS",
        ),
        ("CAB_LAKE_ROOT", "file:///data/../lake", "must not contain //, /./ or /../"),
        ("CAB_LAKE_ROOT", "file:///data//lake", "must not contain //, /./ or /../"),
        (
            "CAB_KAFKA_SECURITY",
            "sasl_ssl",
            "must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        ),
        (
            "CAB_KAFKA_CA",
            "/nowhere/ca.pem",
            "must be a file that can be read: No such file or directory",
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_could_be(
    name: str, value: str, why: str
) -> None:
    with pytest.raises(BadEnvironment) as refused:
        cluster(**{name: value})
    assert str(refused.value).startswith(f"{name}={value} {why}")


@pytest.mark.parametrize("options", ["auth=KERBEROS", "auth=KERBEROS&kerberos_service_name=hs2"])
def test_hive_can_be_asked_for_by_kerberos(options: str) -> None:
    url = f"hive://hive.example:10000/cab?{options}"
    assert cluster(CAB_HIVE_URL=url).hive_url == url


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(BadEnvironment) as refused:
        cluster(CAB_TIMEZONE="Bombay", CAB_START_DATE="soon", CAB_HIVE_PASWORD="x")
    assert [line.split("=")[0].split()[0] for line in str(refused.value).splitlines()] == [
        "unknown",
        "CAB_TIMEZONE",
        "CAB_START_DATE",
    ]


def test_what_a_cluster_lacks_is_listed_with_what_cannot_be_used() -> None:
    with pytest.raises(BadEnvironment) as refused:
        cluster(
            CAB_TIMEZONE="Bombay",
            CAB_LAKE_ROOT="/lake",
            CAB_HIVE_URL="",
            CAB_SPARK_MASTER="",
            CAB_BOOKINGS_DB_SECRET="rides",
            CAB_BOOKINGS_DB_PASSWORD="x",
        )
    told = [line.split("=")[0].split()[0] for line in str(refused.value).splitlines()]
    assert told == [
        "CAB_LAKE_ROOT",
        "CAB_TIMEZONE",
        "CAB_HIVE_URL",
        "exactly",
        "set",
    ]


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(BadEnvironment, match="without a password"):
        cluster(CAB_BOOKINGS_DB_URL="mysql://reader:hunter2@rds.example:3306/rides")


def test_both_sparks_are_refused() -> None:
    with pytest.raises(
        BadEnvironment,
        match="exactly one of CAB_SPARK_REMOTE and CAB_SPARK_MASTER must be set, both are",
    ):
        cluster(CAB_SPARK_REMOTE="sc://spark.example:15002").ready()


def test_no_spark_is_refused() -> None:
    with pytest.raises(BadEnvironment, match="must be set, neither is"):
        cluster(CAB_SPARK_MASTER="").ready()


def test_a_broker_that_wants_a_user_needs_all_of_it_and_another_one_nothing() -> None:
    assert cluster(
        CAB_KAFKA_SECURITY="SASL_SSL", CAB_KAFKA_USER="cab", CAB_KAFKA_PASSWORD="secret"
    ).ready()
    with pytest.raises(
        BadEnvironment,
        match="CAB_KAFKA_SECURITY=SASL_SSL needs CAB_KAFKA_USER and CAB_KAFKA_PASSWORD",
    ):
        cluster(CAB_KAFKA_SECURITY="SASL_SSL", CAB_KAFKA_USER="cab").ready()
    with pytest.raises(
        BadEnvironment,
        match="CAB_KAFKA_SECURITY=PLAINTEXT does not use CAB_KAFKA_USER and CAB_KAFKA_PASSWORD",
    ):
        cluster(CAB_KAFKA_USER="cab", CAB_KAFKA_PASSWORD="secret").ready()


def test_everything_that_a_pipeline_lacks_is_listed(tmp_path: Path) -> None:
    with pytest.raises(BadEnvironment) as refused:
        environment.read({"CAB_HOME": str(tmp_path)}).ready()
    needed = ["CAB_BOOKINGS_DB_URL", "CAB_KAFKA_BOOTSTRAP_SERVERS", "CAB_HIVE_URL", "CAB_LAKE_ROOT"]
    assert [line.split()[0] for line in str(refused.value).splitlines()] == [
        *needed,
        "exactly",
        "the",
    ]
    assert "`cab up`" in str(refused.value)


def test_a_running_stack_fills_in_what_is_not_set(home: str) -> None:
    current = environment.read({"CAB_HOME": home}).ready()
    assert current.bookings_db_password == "of-the-stack"
    assert current.lake_root == "file:///home/my cab/lake"


def test_what_is_set_goes_before_the_stack(home: str) -> None:
    current = environment.read({"CAB_HOME": home, "CAB_LAKE_ROOT": "file:///mine"})
    assert (current.lake_root, current.hive_url) == (
        "file:///mine",
        "hive://cab@127.0.0.1:10000/cab",
    )


def test_a_chosen_spark_replaces_the_stacks(home: str) -> None:
    current = environment.read({"CAB_HOME": home, "CAB_SPARK_MASTER": "local[2]"}).ready()
    assert (current.spark_master, current.spark_remote) == ("local[2]", None)


def test_another_database_does_not_get_the_stacks_password(home: str) -> None:
    assert (
        environment.read(
            {"CAB_HOME": home, "CAB_BOOKINGS_DB_URL": "mysql://me@elsewhere/rides"}
        ).bookings_db_password
        is None
    )


def test_a_cluster_takes_nothing_from_a_stack(home: str) -> None:
    assert environment.read({"CAB_ENV": "cluster", "CAB_HOME": home}).hive_url is None


def test_a_secret_stands_for_the_stacks_password_and_beside_no_other(home: str) -> None:
    assert (
        environment.read({"CAB_HOME": home, "CAB_BOOKINGS_DB_SECRET": "rides"})
        .ready()
        .bookings_db_password
        is None
    )
    with pytest.raises(
        BadEnvironment, match="either CAB_BOOKINGS_DB_PASSWORD or CAB_BOOKINGS_DB_SECRET, not both"
    ):
        environment.read(
            {
                "CAB_HOME": home,
                "CAB_BOOKINGS_DB_SECRET": "rides",
                "CAB_BOOKINGS_DB_PASSWORD": "mine",
            }
        ).ready()
