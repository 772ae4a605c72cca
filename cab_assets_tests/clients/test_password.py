import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from cab_assets.clients.password import Password, SecretRefused, SecretUnavailable, given, kept
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.sources.postgresql import PostgreSQL
from cab_assets_tests.aws import aws
from cab_assets_tests.pipeline import Pipeline

NAME = "rides/pipeline"


@pytest.fixture
def secrets() -> Iterator[Any]:
    with aws(), closing(boto3.client("secretsmanager")) as client:
        yield client
        # A next server of this process would know it
        client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)


@pytest.mark.parametrize(
    "secret", ["p w", json.dumps({"username": "cab", "password": "p w", "port": 5432}), '"p w"']
)
def test_a_secret_is_the_password_or_holds_it_as_rds_keeps_it(secrets: Any, secret: str) -> None:
    secrets.create_secret(Name=NAME, SecretString=secret)
    # A text in quotes is a text
    assert kept(NAME).text == (secret if secret.startswith('"') else "p w")


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (
            {},
            (
                "AWS Secrets Manager rejected the request for rides/pipeline: Secrets Manager can't"
                " find the specified secret"
            ),
        ),
        (
            {"SecretString": '{"pass": "p w"}'},
            "the secret rides/pipeline is JSON without a text for the key password",
        ),
        ({"SecretString": '{"password": 7}'}, "is JSON without a text for the key password"),
        (
            {"SecretBinary": b"p w"},
            "the secret rides/pipeline is binary; store the password as text",
        ),
    ],
)
def test_a_secret_that_holds_no_password_is_refused_by_name(
    secrets: Any, secret: dict[str, Any], says: str
) -> None:
    if secret:
        secrets.create_secret(Name=NAME, **secret)
    with pytest.raises(SecretRefused, match=says) as refused:
        _ = kept(NAME).text
    assert "p w" not in str(refused.value)


@pytest.mark.usefixtures("secrets")
def test_a_secrets_manager_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(
        SecretUnavailable,
        match="the request to AWS Secrets Manager for rides/pipeline failed: Could not connect",
    ):
        _ = kept(NAME).text


def test_it_is_read_once_and_shown_nowhere() -> None:
    asked = iter(["first", "second"])
    password = Password(lambda: next(asked))
    assert (password.text, password.text) == ("first", "first")
    assert password.renew("first")
    assert password.text == "second"
    assert "second" not in repr(password)
    assert not given("p w").renew("p w")


def test_a_password_that_another_thread_has_renewed_is_not_read_again() -> None:
    asked = iter(["first", "second"])
    password = Password(lambda: next(asked))
    tried = password.text
    assert password.renew(tried)
    assert password.renew(tried)
    assert not Password(lambda: "first").renew("first")


def test_a_password_that_was_rotated_is_read_anew_and_one_that_was_not_is_told_once(
    pipeline: Pipeline, secrets: Any
) -> None:
    user = f"rotated_{pipeline.table}"
    pipeline.sql(f"CREATE ROLE {user} LOGIN PASSWORD 'of spring'")
    pipeline.sql(f"GRANT SELECT ON {{table}} TO {user}")
    secrets.create_secret(Name=NAME, SecretString="of spring")
    db = BookingsDb(
        PostgreSQL(str(pipeline.env.bookings_db_url).replace("cab@", f"{user}@"), kept(NAME)),
        pipeline.table,
    )
    db.reach()
    pipeline.sql(f"ALTER ROLE {user} PASSWORD 'of autumn'")
    with pytest.raises(BookingsDbRefused, match="authentication failed"):
        db.reach()
    secrets.put_secret_value(SecretId=NAME, SecretString="of autumn")
    db.reach()
    assert "of%20autumn" in db.dialect.url


def test_a_day_is_imported_with_the_secret_and_none_of_it_is_told(
    pipeline: Pipeline, secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = str(pipeline.env.bookings_db_password)
    secrets.create_secret(Name=NAME, SecretString=json.dumps({"password": password}))
    monkeypatch.setenv("CAB_BOOKINGS_DB_SECRET", NAME)
    run = pipeline.run("2020-01-01", assets=["raw_bookings"])
    assert run.failure == ""
    assert password not in run.log
