"""No secret of a variable is shown."""

import pytest
from typer.testing import CliRunner

from cab_assets import environment
from cab_assets.cli.main import app
from cab_assets.clients.spark import Spark, SparkUnavailable
from cab_assets.secrets import without_secrets

SECRET = "hunter/2@:x"
HIDDEN = ("hunter", "2@", ":x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"mysql://cab:{SECRET}@db:3306/rides", "mysql://cab:…@db:3306/rides"),
        (f"cab:{SECRET}@hive:10000/cab", "cab:…@hive:10000/cab"),
        ("mysql://cab:12345@db/rides", "mysql://cab:…@db/rides"),
        (
            f"postgresql://cab@one:1,two:2/db?sslpassword={SECRET}&sslmode=disable",
            "postgresql://cab@one:1,two:2/db?sslpassword=…&sslmode=disable",
        ),
        (f"sc://host:15002/;token={SECRET};use_ssl=true", "sc://host:15002/;token=…;use_ssl=true"),
        (
            f"sc://host:15002/;user_id=me@here;x-api-key={SECRET}",
            "sc://host:15002/;user_id=me@here;x-api-key=…",
        ),
        (
            f"at sc://host/;Authorization={SECRET} (in vain)",
            "at sc://host/;Authorization=… (in vain)",
        ),
        (f"s3://id:{SECRET}@bucket/lake", "s3://id:…@bucket/lake"),
        (
            f"https://store/file?X-Amz-Signature={SECRET}&x=1",
            "https://store/file?X-Amz-Signature=…&x=1",
        ),
        ("hive://cab@hive:10000/cab?auth=KERBEROS", "hive://cab@hive:10000/cab?auth=KERBEROS"),
        ("file:///data/lake: a@b/version=1", "file:///data/lake: a@b/version=1"),
        ("one:9092,two:9092", "one:9092,two:9092"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_the_doctor_shows_no_secret() -> None:
    variables = {
        "CAB_ENV": "cluster",
        "CAB_BOOKINGS_DB_URL": "postgresql://cab@127.0.0.1:1/rides",
        "CAB_BOOKINGS_DB_PASSWORD": SECRET,
        "CAB_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CAB_KAFKA_SECURITY": "SASL_PLAINTEXT",
        "CAB_KAFKA_USER": "cab",
        "CAB_KAFKA_PASSWORD": SECRET,
        "CAB_HIVE_URL": "hive://cab@127.0.0.1:1/cab",
        "CAB_HIVE_PASSWORD": SECRET,
        "CAB_SPARK_REMOTE": f"sc://127.0.0.1:1/;token={SECRET};use_ssl=true",
        "CAB_LAKE_ROOT": "file:///sys/denied",
    }
    said = CliRunner(env=variables).invoke(app, ["doctor"])
    assert "CAB_SPARK_REMOTE=sc://127.0.0.1:1/;token=…;use_ssl=true" in said.output
    assert (
        "FAIL  spark         Spark Connect at sc://127.0.0.1:1/;token=…;use_ssl=true cannot be"
        " reached" in said.output
    )
    assert not any(part in said.output for part in HIDDEN)


@pytest.mark.parametrize(
    "name",
    [
        "CAB_BOOKINGS_DB_URL",
        "CAB_HIVE_URL",
        "CAB_SPARK_REMOTE",
        "CAB_KAFKA_BOOTSTRAP_SERVERS",
        "CAB_LAKE_ROOT",
    ],
)
def test_a_url_that_is_rejected_is_shown_without_its_password(name: str) -> None:
    with pytest.raises(environment.BadEnvironment) as rejected:
        environment.read(
            {"CAB_ENV": "cluster", name: f"x://cab:{SECRET}@host:1/cab?token={SECRET}"}
        )
    assert f"{name}=x://cab:…@host:1/cab?token=… must have the form" in str(rejected.value)


def test_an_environment_is_printed_without_passwords() -> None:
    assert SECRET not in repr(
        environment.read({"CAB_ENV": "cluster", "CAB_KAFKA_PASSWORD": SECRET})
    )


def test_an_error_of_spark_shows_no_token() -> None:
    with (
        pytest.raises(SparkUnavailable) as failed,
        Spark(f"sc://127.0.0.1:1/;token={SECRET}", None).session(),
    ):
        pass
    assert not any(part in str(failed.value) for part in HIDDEN)
