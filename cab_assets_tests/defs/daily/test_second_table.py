"""A second table of the same database: one declaration more, and no other line of code."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from cab_assets import definitions
from cab_assets.declarations import ROWS, AddsUp, Column, DerivedTable, SourceTable, Unique
from cab_assets.defs.daily.sensors import DAY, FIRST
from cab_assets.tables import TABLES
from cab_assets_tests.pipeline import Outcome, Pipeline, tags
from cab_assets_tests.rides import ride

TODAY = datetime.now(UTC).date()
OLD, *RECENT = [(TODAY - timedelta(days)).isoformat() for days in (4, 3, 2, 1)]
PAYMENTS = SourceTable(
    name="payments",
    about="One row per payment of a ride",
    row="payment",
    day="paid_at",
    by="day of payment",
    partition_column="paid_date",
    key=("payment_id",),
    key_check="payment_id_is_key",
    totals=("amount",),
    columns=(
        Column("payment_id", "bigint", "the payment"),
        Column("booking_id", "string", "the ride that is paid"),
        Column("amount", "decimal(12,2)", "in INR"),
        Column("paid_at", "timestamp", "local time; sets the day"),
    ),
)
PAYMENT_COUNTS = DerivedTable(
    name="payment_counts",
    about="One row per day of payment",
    made_from=PAYMENTS,
    sql="SELECT paid_date, count(*) AS payments, sum(amount) AS amount FROM {rows} GROUP BY 1",
    partition_column="paid_date",
    key=(),
    columns=(
        Column("payments", "bigint", "payments of the day"),
        Column("amount", "decimal(22,2)", "sum of amount"),
    ),
    checks=(
        AddsUp(
            "adds_up_to_payments",
            "Number and amount equal those of the payments.",
            (("payments", ROWS), ("amount", "amount")),
        ),
        Unique("one_row", "There is one row."),
    ),
)


class Company:
    """The pipeline's database with a table of payments beside the bookings."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.cursor: str | None = None
        self.table = pipeline.table.replace("bookings", "payments") + "_of"
        source = replace(PAYMENTS, source=self.table)
        self.defs = definitions.of((*TABLES, source, replace(PAYMENT_COUNTS, made_from=source)))
        self.sql(
            f"CREATE TABLE {self.table} (payment_id bigint, booking_id text, amount numeric(12,2),"
            " paid_at timestamp)"
        )

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.pipeline.sql(statement, *values)

    def pay(self, number: int, day: str, amount: str = "10.50") -> None:
        self.sql(
            f"INSERT INTO {self.table} VALUES (%s, %s, %s, %s)",
            *(number, f"BK{number}", amount, f"{day} 10:00:00"),
        )

    def run(self, job: str, first: str | None = None, last: str | None = None) -> Outcome:
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.pipeline.instance,
            tags=tags(first, last) if first else None,
            partition_key=first if last is None else None,
            raise_on_error=False,
        )
        return self.pipeline.outcome(result.run_id, success=result.success)

    def in_hive(self, name: str) -> list[tuple[Any, ...]]:
        hive = self.pipeline.hive
        return sorted(hive.execute(f"SELECT * FROM {hive.name(name)}"))

    def asked(self) -> list[tuple[str | None, dict[str, str]]]:
        """The jobs that the sensor asks for, with the days."""
        instance = self.pipeline.instance
        with dg.build_sensor_context(instance=instance, cursor=self.cursor) as context:
            sensor: Any = self.defs.resolve_sensor_def("bookings_changes_sensor")
            requests = [each for each in sensor(context) if isinstance(each, dg.RunRequest)]
            self.cursor = context.cursor
        return [
            (each.job_name, {name: each.tags[name] for name in (DAY, FIRST) if name in each.tags})
            for each in requests
        ]


@pytest.fixture
def company(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("CAB_START_DATE", OLD)
    made = Company(pipeline)
    yield made
    made.sql(f"DROP TABLE {made.table}")


def test_a_declared_table_is_imported_derived_compared_and_asked_for_like_bookings(
    company: Company,
) -> None:
    for number, day in enumerate([OLD, *RECENT]):
        company.pay(number, day)
    company.pipeline.insert(ride("BK1", f"{RECENT[0]} 10:00:00"))
    first = company.run("payments_daily", OLD, RECENT[-1])
    assert first.failure == ""
    assert ("raw_payments", OLD) in first.materialized
    assert company.in_hive("payments") == [
        (number, f"BK{number}", *company.sql("SELECT 10.50")[0], at, day)
        for number, day in enumerate([OLD, *RECENT])
        for at in [datetime.fromisoformat(f"{day} 10:00:00")]
    ]
    assert [row[0] for row in company.in_hive("payment_counts")] == [1, 1, 1, 1]

    company.sql(f"UPDATE {company.table} SET booking_id = 'BK9' WHERE payment_id = 2")
    company.pay(9, RECENT[2])
    looked = company.run("observe_bookings")
    assert looked.failure == ""
    assert company.asked() == [
        ("bookings_daily", {DAY: RECENT[0]}),
        ("payments_daily", {FIRST: RECENT[1]}),
    ]
    assert company.run("tables_daily", RECENT[0], RECENT[2]).failure == ""
    assert company.run("observe_bookings").failure == ""
    assert company.asked() == []
    assert [row[0] for row in company.in_hive("payment_counts")] == [1, 1, 1, 2]
    assert len(company.pipeline.in_hive(TABLES[0], RECENT[0])) == 1


def test_a_table_that_cannot_be_compared_does_not_hold_back_the_others(company: Company) -> None:
    company.sql(f"ALTER TABLE {company.table} DROP COLUMN amount")
    company.pipeline.insert(ride("BK1", f"{RECENT[0]} 10:00:00"))
    looked = company.run("observe_bookings")
    assert "column amount is missing" in looked.failure
    assert company.asked() == [("bookings_daily", {DAY: RECENT[0]})]
    failed = company.run("tables_daily", RECENT[0])
    assert "column amount is missing" in failed.failure
    assert len(company.pipeline.in_hive(TABLES[0], RECENT[0])) == 1
