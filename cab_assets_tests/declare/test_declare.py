"""`cab declare` on the tables of a company, as a person calls it."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.declarations import SourceTable
from cab_assets_tests.declare.test_place import made
from cab_assets_tests.pipeline import Pipeline

SCHEMA = "company"
# Name -> columns and constraints
TABLES = {
    "payments": "payment_id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, paid_at timestamptz",
    "refunds": (
        "booking_id text, refund_no smallint, amount numeric(10,4), created_at timestamptz,"
        " reason text, PRIMARY KEY (booking_id, refund_no)"
    ),
    "drivers": "id uuid PRIMARY KEY, name varchar(80), licence text UNIQUE, joined_on date",
    "vehicles": "registration_no text NOT NULL UNIQUE, seats int, electric boolean, bought date",
    "ratings": "booking_id text, stars smallint, comment text, rated_at timestamp",
    "promo_codes": "code text PRIMARY KEY, discount numeric, valid tstzrange, created_at timestamp",
    "invoices": "id bigserial PRIMARY KEY, total money, pdf bytea, issued_at timestamp",
    "shifts": "driver_id bigint, began_at timestamp, ended_at timestamp",
    "Zones": '"Zone Id" int PRIMARY KEY, "order" int, shape point[], "Valid From" date',
    "events": "id bigint PRIMARY KEY, body jsonb, source inet, took interval, at timestamp",
    "wallets": "id bigint PRIMARY KEY, balance double precision, updated_at timestamp(3)",
}


@pytest.fixture
def company(pipeline: Pipeline) -> Iterator[Pipeline]:
    pipeline.sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    pipeline.sql(f"CREATE SCHEMA {SCHEMA}")
    for name, columns in TABLES.items():
        pipeline.sql(f'CREATE TABLE {SCHEMA}."{name}" ({columns})')
    pipeline.sql(f"COMMENT ON TABLE {SCHEMA}.payments IS 'One row per payment of a ride.'")
    pipeline.sql(f"COMMENT ON COLUMN {SCHEMA}.payments.amount IS 'in \"INR\"'")
    pipeline.sql(f"CREATE VIEW {SCHEMA}.paid AS SELECT * FROM {SCHEMA}.payments")
    pipeline.sql(f"CREATE INDEX ON {SCHEMA}.payments (paid_at)")
    yield pipeline
    pipeline.sql(f"DROP SCHEMA {SCHEMA} CASCADE")


def cab(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["declare", *arguments])


def declared(*arguments: str) -> SourceTable:
    said = cab(*arguments)
    assert said.exit_code == 0, said.stderr
    return made(said.stdout)


@pytest.mark.usefixtures("company")
def test_the_tables_of_a_company_are_declared_from_their_catalog() -> None:
    keys: dict[str, Any] = {
        "payments": ("payment_id",),
        "refunds": ("booking_id", "refund_no"),
        "drivers": ("id",),
        "vehicles": ("registration_no",),
        "ratings": (),
        "promo_codes": ("code",),
        "invoices": ("id",),
        "Zones": ("zone_id",),
        "events": ("id",),
        "wallets": ("id",),
    }
    for name, key in keys.items():
        table = declared(f"{SCHEMA}.{name}")
        assert table.key == key
        assert table.name == name.lower()
    payments = declared(f"{SCHEMA}.payments")
    assert payments.about == "One row per payment of a ride"
    assert payments.column("amount").about == 'in "INR"'
    assert payments.totals == ("amount",)
    assert cab(f"{SCHEMA}.payments").stderr == ""
    assert declared(f"{SCHEMA}.paid", "--key", "payment_id", "--name", "paid_rides").key == (
        "payment_id",
    )
    types = {each.name: each.type for each in declared(f"{SCHEMA}.events").columns}
    assert types == {
        "id": "bigint",
        "body": "string",
        "source": "string",
        "took": "string",
        "at": "timestamp",
    }


@pytest.mark.usefixtures("company")
def test_what_the_catalog_cannot_decide_is_asked_for() -> None:
    refused = cab(f"{SCHEMA}.shifts")
    assert refused.exit_code == 1
    assert "choose with --day the one whose date never changes (began_at, ended_at)" in (
        refused.stderr
    )
    chosen = cab(f"{SCHEMA}.shifts", "--day", "began_at")
    assert made(chosen.stdout).day == "began_at"
    assert "CREATE INDEX ON company.shifts (began_at)" in chosen.stderr
    assert "no table absent" in cab("absent").stderr
    assert cab().exit_code == 2


def test_the_list_shows_days_and_what_is_declared(company: Pipeline) -> None:
    lines = cab("--list").stdout.splitlines()
    (bookings,) = (line.split() for line in lines if line.startswith(f"{company.table} "))
    assert bookings[-1] == "bookings"
    assert "pickup_timestamp," in bookings
