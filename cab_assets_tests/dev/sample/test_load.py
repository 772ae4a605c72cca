from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.dev.sample import load
from cab_assets.dev.sample.bookings import bookings_of
from cab_assets.dev.sample.connect import source_table
from cab_assets.dev.sample.load import load_days, load_file
from cab_assets.dev.sample.source import FilledTable
from cab_assets.dev.sample.sqoop import MalformedFile
from cab_assets.environment import Environment
from cab_assets.sources.bookings_db import SourceChangedShape
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.tables.bookings import BOOKINGS

NEW_YEAR = date(2020, 1, 1)
FILED = """\
BK123456789,10000001,20000002,1.2.3,iOS,12.3456789,-1.5,0.0,180.0,2020-03-01 00:00:00.0,2020-02-29 23:59:59.5,932,63,INR,हरा,001-02-0003,1,5,4
BK9876543210,10000001,20000002,null,Android,1.0,2.0,3.0,4.0,2020-03-01 23:59:59.999999,null,7,null,INR,said "red",001-02-0003,1,null,4
"""  # noqa: E501


def rows_in(env: Environment) -> list[tuple[object, ...]]:
    with source_table(env) as table:
        table.cursor.execute(
            f"SELECT {', '.join(BOOKINGS.names)} FROM {table.name} ORDER BY pickup_timestamp,"
            " booking_id"
        )
        return list(table.cursor.fetchall())


def as_tuples(*tables: pa.Table) -> list[tuple[object, ...]]:
    ordered = pa.concat_tables(tables).sort_by(
        [("pickup_timestamp", "ascending"), ("booking_id", "ascending")]
    )
    return [tuple(row.values()) for row in ordered.to_pylist()]


def cab_sample(env: Environment, *arguments: str) -> Result:
    return CliRunner(
        env={"CAB_HOME": str(env.home), "CAB_BOOKINGS_TABLE": env.bookings_table}
    ).invoke(app, ["sample", *arguments])


def test_the_table_holds_exactly_what_was_made_up(env: Environment) -> None:
    load_days(env, NEW_YEAR, days=2, rows_per_day=50, seed=1, say=print)
    assert rows_in(env) == as_tuples(
        bookings_of(NEW_YEAR, 50, seed=1), bookings_of(date(2020, 1, 2), 50, seed=1)
    )


def test_the_table_has_a_key_and_an_index_on_the_pickup(table: FilledTable) -> None:
    table.cursor.execute(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema AND tablename = %s ORDER"
        " BY 1",
        (table.name,),
    )
    columns = [definition.partition("USING ")[2] for (definition,) in table.cursor.fetchall()]
    assert columns == ["btree (pickup_timestamp)", "btree (booking_id)"]


def test_a_table_of_another_schema_is_filled_there(env: Environment, table: FilledTable) -> None:
    table.cursor.execute("DROP SCHEMA IF EXISTS rides CASCADE")
    table.cursor.execute("CREATE SCHEMA rides")
    elsewhere = env.but(bookings_table=f"rides.{env.bookings_table}")
    load_days(elsewhere, NEW_YEAR, days=1, rows_per_day=2, seed=1, say=print)
    assert (len(rows_in(elsewhere)), len(rows_in(env))) == (2, 0)


def test_loading_more_days_again_adds_what_is_missing_and_says_so(env: Environment) -> None:
    assert cab_sample(
        env, "--days", "9", "--rows-per-day", "3", "--start", "2020-02-01"
    ).stdout.splitlines() == [
        "2020-02-01 to 2020-02-09: days with 3 bookings: 9, days without bookings: 0.",
        "27 rows inserted; 0 already existed and are unchanged.",
        "test_load now has 27 rows; days with bookings: 9.",
    ]
    before = rows_in(env)
    assert cab_sample(
        env, "--days", "11", "--rows-per-day", "3", "--start", "2020-02-01"
    ).stdout.splitlines() == [
        "2020-02-01 to 2020-02-11: days with 3 bookings: 10, days without bookings: 1.",
        "3 rows inserted; 27 already existed and are unchanged.",
        "test_load now has 30 rows; days with bookings: 10.",
    ]
    assert rows_in(env)[:27] == before


def test_the_first_day_is_that_of_the_environment_unless_it_is_said(env: Environment) -> None:
    assert cab_sample(env, "--days", "1", "--rows-per-day", "1").stdout.startswith(
        "2020-01-01 to 2020-01-01:"
    )


def test_rows_that_were_changed_are_left_as_they_are(env: Environment, table: FilledTable) -> None:
    load_days(env, NEW_YEAR, days=1, rows_per_day=5, seed=1, say=print)
    table.cursor.execute(f"UPDATE {table.name} SET trip_fare = 1.23")
    load_days(env, NEW_YEAR, days=1, rows_per_day=5, seed=1, say=print)
    table.cursor.execute(f"SELECT count(*), max(trip_fare)::text FROM {table.name}")
    assert table.cursor.fetchone() == (5, "1.23")


def test_a_big_load_shows_how_far_it_is(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 10)
    said: list[str] = []
    load_days(env, NEW_YEAR, days=2, rows_per_day=15, seed=1, say=said.append)
    assert said[1:-2] == ["10 of 30 rows", "25 of 30 rows"]


def test_a_table_with_other_columns_is_refused(env: Environment, table: FilledTable) -> None:
    table.cursor.execute(f"ALTER TABLE {table.name} DROP COLUMN tip_amount")
    with pytest.raises(SourceChangedShape, match="column tip_amount is missing"):
        load_days(env, NEW_YEAR, days=1, rows_per_day=1, seed=1, say=print)


def test_a_file_of_sqoop_is_loaded_value_by_value(env: Environment, tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_text(FILED)
    load_file(env, tmp_path / "part.csv", print)
    assert ["|".join(map(str, row)) for row in rows_in(env)] == [
        (
            "BK123456789|10000001|20000002|1.2.3|iOS|12.3456789|-1.5|0.0|180.0"
            "|2020-03-01 00:00:00|2020-02-29 23:59:59.500000|932.00|63.00|INR|हरा|001-02-0003|1|5|4"
        ),
        (
            "BK9876543210|10000001|20000002|None|Android|1.0|2.0|3.0|4.0|2020-03-01"
            ' 23:59:59.999999|None|7.00|None|INR|said "red"|001-02-0003|1|None|4'
        ),
    ]


def test_a_file_that_is_loaded_twice_changes_nothing(env: Environment, tmp_path: Path) -> None:
    (tmp_path / "part.csv").write_text(FILED)
    load_file(env, tmp_path / "part.csv", print)
    (tmp_path / "part.csv").write_text(
        FILED.replace("INR", "USD") + FILED.splitlines()[0].replace("BK1", "BK2")
    )
    said = cab_sample(env, "--file", str(tmp_path / "part.csv")).stdout.splitlines()
    assert said == [
        "1 rows inserted; 2 already existed and are unchanged.",
        "test_load now has 3 rows; days with bookings: 1.",
    ]
    assert [row[BOOKINGS.names.index("currency_code")] for row in rows_in(env)] == [
        "INR",
        "INR",
        "INR",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        (",932,", ",9x2,", r"line 1, column trip_fare: .*'9x2'"),
        (",7,", ",7.005,", r"line 2, column trip_fare: .*data loss"),
        (
            "2020-03-01 23:59",
            "2020-13-01 23:59",
            r"line 2, column pickup_timestamp: .*'2020-13-01 23:59:59.999999'",
        ),
        ("BK9876543210", "null", r"line 2, column booking_id: null"),
        ("Android", "A" * 41, r"line 2, column customer_phone_os_version: more than 40"),
        (",null,4", ",null,4,4", r"line 2: Expected 19 columns, got 20"),
        ("BK9", "\nBK9", r"line 2, column customer_id"),
    ],
)
def test_a_malformed_line_is_named_and_nothing_is_loaded(
    env: Environment, tmp_path: Path, right: str, wrong: str, place: str
) -> None:
    (tmp_path / "part.csv").write_text(FILED.replace(right, wrong))
    with pytest.raises(MalformedFile, match=f"part.csv, {place}.*Nothing was loaded"):
        load_file(env, tmp_path / "part.csv", print)
    assert rows_in(env) == []


def test_a_file_that_the_database_refuses_in_the_middle_leaves_nothing(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 1)
    (tmp_path / "part.csv").write_text(FILED.replace("red", "\0"))
    with pytest.raises(BookingsDbRefused, match="invalid byte sequence"):
        load_file(env, tmp_path / "part.csv", print)
    assert rows_in(env) == []


def test_a_cluster_is_asked_for_before_it_is_written_to() -> None:
    url = {"CAB_ENV": "cluster", "CAB_BOOKINGS_DB_URL": "postgresql://nobody@127.0.0.1:1/rides"}
    refused = CliRunner(env=url).invoke(app, ["sample"], input="n\n")
    assert refused.stdout.startswith(
        "Write generated bookings to bookings in postgresql://nobody@127.0.0.1:1/rides? [y/N]"
    )
    assert refused.exit_code == 1
    assert "Connection refused" in CliRunner(env=url).invoke(app, ["sample", "--yes"]).stderr


def test_without_a_database_the_sentence_says_what_to_start(tmp_path: Path) -> None:
    failed = CliRunner(env={"CAB_HOME": str(tmp_path)}).invoke(app, ["sample"])
    assert (failed.exit_code, failed.stderr) == (
        1,
        (
            "CAB_BOOKINGS_DB_URL is not set: start the embedded database with `cab up`, or set the"
            " variable\n"
        ),
    )
