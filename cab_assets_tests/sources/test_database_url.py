"""The address of the rides' database: each parameter is used, or rejected by name."""

import pytest

from cab_assets import environment
from cab_assets.environment import BadEnvironment
from cab_assets.sources.database_url import database_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://cab@db:5432/rides",
        "postgresql://cab@db/rides?sslmode=require",
        "postgresql://cab@db/rides?options=-csearch_path%3Dfleet&application_name=import",
        "postgresql://cab@one:5432,two:5432/rides?target_session_attrs=prefer-standby",
        "postgresql://cab@[::1]:5432/rides",
        "mysql://cab@db:3306/rides",
        "mysql://cab@[::1]/rides",
    ],
)
def test_an_address_is_taken_as_it_is(url: str) -> None:
    assert database_url(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (
            "postgresql://cab@db/rides?currentSchema=fleet",
            "has the parameter currentSchema; allowed are application_name, ",
        ),
        (
            "postgresql://cab@db/rides?sslmode=require&client_encoding=LATIN1",
            "has the parameter client_encoding; allowed are",
        ),
        (
            "postgresql://cab@db/rides?host=elsewhere&dbname=other",
            "has the parameter host, dbname; allowed are",
        ),
        (
            "mysql://cab@db/rides?charset=latin1",
            "has the parameter charset; an address of MySQL may have none",
        ),
        (
            "mysql://cab@db/rides#fleet",
            "must have the form postgresql://user@host:port/db or mysql://…",
        ),
    ],
)
def test_a_parameter_that_would_be_dropped_is_rejected_by_name(url: str, why: str) -> None:
    with pytest.raises(BadEnvironment) as rejected:
        environment.read({"CAB_ENV": "cluster", "CAB_BOOKINGS_DB_URL": url})
    assert f"CAB_BOOKINGS_DB_URL={url} {why}" in str(rejected.value)


@pytest.mark.parametrize(
    ("hosts", "port"),
    [
        ("db:99999", "99999"),
        ("db:abc", "abc"),
        ("db:0", "0"),
        ("db:", "(none)"),
        ("one:5432,two:x", "x"),
    ],
)
@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_port_that_is_none_is_rejected(scheme: str, hosts: str, port: str) -> None:
    url = f"{scheme}://cab@{hosts}/rides"
    with pytest.raises(BadEnvironment) as rejected:
        environment.read({"CAB_ENV": "cluster", "CAB_BOOKINGS_DB_URL": url})
    assert f"={url} has the port {port}; a port is a number from 1 to 65535" in str(rejected.value)


def test_a_password_among_the_parameters_is_rejected_and_not_shown() -> None:
    with pytest.raises(BadEnvironment) as rejected:
        environment.read(
            {
                "CAB_ENV": "cluster",
                "CAB_BOOKINGS_DB_URL": "postgresql://cab@db/rides?password=hunter2",
            }
        )
    assert "has the parameter password" in str(rejected.value)
    assert "hunter2" not in str(rejected.value)


def test_an_authority_and_an_sslmode_contradict() -> None:
    variables = {
        "CAB_ENV": "cluster",
        "CAB_BOOKINGS_DB_URL": "postgresql://cab@db/rides?sslmode=disable",
        "CAB_BOOKINGS_DB_CA": __file__,
    }
    assert any(
        "remove sslmode from CAB_BOOKINGS_DB_URL" in problem
        for problem in environment.read(variables).lacking()
    )
