"""A column more in the declaration of a table: Hive shows it, and no day is imported
again for it.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from cab_assets.clickstream.views import VIEWS
from cab_assets.clients.hive import Hive
from cab_assets.daily.import_day import import_day
from cab_assets.declarations import DerivedTable, Table
from cab_assets.defs.daily.sensors import changed_in, recent_comparisons
from cab_assets.store.collect import delete
from cab_assets.store.columns import ColumnChanged, Description
from cab_assets.store.declare import ForeignTable, declare_table, declare_view
from cab_assets.store.draft import PART
from cab_assets.store.table_store import TableStore
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS
from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.rides import ride
from cab_assets_tests.versions import publication, written

KEPT, MADE_ANEW, NEW = "2020-01-02", "2020-01-03", "2020-01-04"
IMPORT = ("raw_bookings", "bookings")
EVERYTHING = {"ops": {"observe": {"config": {"everything": True}}}}


def without(table: Table, name: str) -> Table:
    """Return the table as it was declared before it had that column."""
    columns = tuple(column for column in table.columns if column.name != name)
    if isinstance(table, DerivedTable):
        return replace(table, columns=columns, checks=())
    return replace(table, columns=columns)


OLD = without(BOOKINGS, "cab_color")


@pytest.fixture
def earlier(pipeline: Pipeline) -> Iterator[Hive]:
    """The client of a run of an earlier version of the code."""
    with closing(Hive(str(pipeline.env.hive_url))) as hive:
        yield hive


def columns(hive: Hive, name: str) -> list[str]:
    return list(Description.of(hive.execute(f"DESCRIBE {hive.name(name)}")).columns)


def an_old_version(pipeline: Pipeline, day: str) -> None:
    """Write the day of the source as the earlier code did: without the column, and hashed without
    it.
    """
    manifest = import_day(pipeline.db, pipeline.store(BOOKINGS).day(day), "run").manifest
    stored = pipeline.store(OLD).day(day)
    path = stored.folder(manifest.version)
    rows = pq.read_table(f"{path}/{PART}", filesystem=pipeline.lake.files).select(OLD.names)
    delete(pipeline.lake, path)
    files = written(stored, manifest.version, rows.to_batches())
    assert manifest.fingerprint
    hashed = manifest.fingerprint.model_copy(update={"columns": tuple(OLD.names), "row_hash": 1})
    stored.record(manifest.model_copy(update={"files": files, "fingerprint": hashed}))


def test_a_column_more_is_in_hive_for_new_days_and_old_ones_are_not_imported_again(
    pipeline: Pipeline, earlier: Hive
) -> None:
    pipeline.insert(*(ride(f"BK{day}", f"{day} 10:00:00") for day in (KEPT, MADE_ANEW, NEW)))
    for day in (KEPT, MADE_ANEW):
        an_old_version(pipeline, day)
    assert not publication(TableStore(OLD, pipeline.lake, earlier), [KEPT, MADE_ANEW]).failed
    assert "cab_color" not in columns(pipeline.hive, BOOKINGS.name)
    versions = pipeline.versions(BOOKINGS, KEPT)

    pipeline.sql("UPDATE {table} SET tip_amount = 7 WHERE booking_id = %s", f"BK{MADE_ANEW}")
    assert pipeline.job("observe_bookings", EVERYTHING).failure == ""
    assert changed_in(recent_comparisons(pipeline.instance, BOOKINGS)[0]) == [MADE_ANEW, NEW]
    assert pipeline.run(KEPT, NEW, assets=IMPORT).failure == ""
    assert pipeline.versions(BOOKINGS, KEPT) == versions

    assert pipeline.in_hive(BOOKINGS, MADE_ANEW, NEW) == pipeline.in_source(
        BOOKINGS, MADE_ANEW, NEW
    )
    colors = pipeline.hive.execute(
        f"SELECT cab_color FROM {pipeline.hive.name(BOOKINGS.name)} ORDER BY booking_date"
    )
    assert colors == [(None,), ("black",), ("black",)]


def test_clicks_and_their_views_show_a_column_more(clicks: Clicks, earlier: Hive) -> None:
    pipeline = clicks.pipeline
    for table in (CLICKSTREAM_BATCHES, CLICKS, REJECTS):
        name = "reasons" if table is REJECTS else "button_id"
        declare_table(earlier, without(table, name), pipeline.lake.url(table.name))
    for name, (condition, shown) in VIEWS.items():
        kept = [column for column in shown if column.name not in ("button_id", "raw_value")]
        declare_view(
            earlier, name, kept, f"FROM {earlier.name(CLICKSTREAM_BATCHES.name)} WHERE {condition}"
        )

    clicks.create()
    clicks.send([*numbered(range(3), button_id="of old"), b"no JSON"])
    assert clicks.ingest().failure == ""
    assert clicks.query("SELECT DISTINCT button_id FROM {clickstream}") == [("of old",)]
    assert clicks.query("SELECT raw_value, reasons IS NULL FROM {clickstream_rejects}") == [
        (b"no JSON", False)
    ]
    assert clicks.fold().failure == ""
    assert clicks.query("SELECT DISTINCT button_id FROM {clicks}") == [("of old",)]
    assert clicks.query("SELECT count(*) FROM {rejects} WHERE reasons IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(
    "table",
    [BOOKINGS, BOOKING_AGGREGATES, CLICKSTREAM_BATCHES, CLICKS, REJECTS],
    ids=lambda table: table.name,
)
def test_each_table_gets_the_column_that_it_lacks(
    pipeline: Pipeline, earlier: Hive, table: Table
) -> None:
    location = pipeline.lake.url(table.name)
    name = next(each for each in table.names[1:] if each not in table.key)
    declare_table(earlier, without(table, name), location)
    declare_table(pipeline.hive, table, location)
    assert columns(earlier, table.name) == [
        *without(table, name).names,
        name,
        table.partition_column,
    ]
    # Of a run that still is of the earlier code
    declare_table(earlier, without(table, name), location)
    assert set(columns(earlier, table.name)) > set(table.names)


def test_a_column_of_another_type_is_rejected_by_name(pipeline: Pipeline, earlier: Hive) -> None:
    pipeline.insert(ride("BK1", f"{NEW} 10:00:00"))
    other = tuple(
        replace(each, type="bigint") if each.name == "passenger_count" else each
        for each in BOOKINGS.columns
    )
    declare_table(earlier, replace(BOOKINGS, columns=other), pipeline.lake.url(BOOKINGS.name))
    failed = pipeline.run(NEW, assets=IMPORT)
    assert not failed.success
    assert (
        f"{ColumnChanged.__name__}: bookings in Hive has columns of another type: passenger_count"
        " is bigint, but declared as int" in failed.failure
    )


def test_hive_is_asked_for_the_columns_of_a_table_once(pipeline: Pipeline) -> None:
    class Counting(Hive):
        asked = 0

        def execute(self, statement: str) -> list[tuple[object, ...]]:
            self.asked += statement.startswith("DESCRIBE")
            return super().execute(statement)

    with closing(Counting(str(pipeline.env.hive_url))) as hive:
        for _ in range(3):
            declare_table(hive, BOOKINGS, pipeline.lake.url(BOOKINGS.name))
        assert hive.asked == 1


@pytest.mark.parametrize(
    "made",
    [
        "TABLE {} (booking_id STRING) PARTITIONED BY (booking_date STRING) STORED AS PARQUET",
        "EXTERNAL TABLE {} (booking_id STRING) PARTITIONED BY (booking_date STRING)"
        " STORED AS TEXTFILE LOCATION '{}'",
        "VIEW {} AS SELECT 'BK1' AS booking_id, '2020-01-04' AS booking_date",
    ],
    ids=["managed", "text", "view"],
)
def test_a_table_that_the_pipeline_did_not_create_is_left_alone(
    pipeline: Pipeline, made: str
) -> None:
    pipeline.insert(ride("BK1", f"{NEW} 10:00:00"))
    name = pipeline.hive.name(BOOKINGS.name)
    pipeline.hive.execute("CREATE " + made.format(name, pipeline.lake.url("elsewhere")))
    failed = pipeline.run(NEW, assets=IMPORT)
    assert not failed.success
    assert f"{ForeignTable.__name__}: Hive has a table {name} that is not an" in failed.failure
    assert columns(pipeline.hive, BOOKINGS.name)[0] == "booking_id"
    assert len(columns(pipeline.hive, BOOKINGS.name)) <= 2
    pipeline.hive.execute(f"DROP {'VIEW' if made.startswith('VIEW') else 'TABLE'} {name}")


def test_apache_hive_is_told_to_add_no_partitions_itself(pipeline: Pipeline, earlier: Hive) -> None:
    """Also in a table that an earlier version of the code created."""
    shown = f"SHOW TBLPROPERTIES {pipeline.hive.name(BOOKINGS.name)}"
    location = pipeline.lake.url(BOOKINGS.name)
    declare_table(earlier, BOOKINGS, location)
    assert ("discover.partitions", "false") in pipeline.hive.execute(shown)
    earlier.execute(
        f"ALTER TABLE {earlier.name(BOOKINGS.name)} UNSET TBLPROPERTIES ('discover.partitions')"
    )
    declare_table(pipeline.hive, BOOKINGS, location)
    assert ("discover.partitions", "false") in pipeline.hive.execute(shown)


def test_a_view_of_another_declaration_is_replaced_unless_it_has_more_columns(
    pipeline: Pipeline, earlier: Hive
) -> None:
    columns, name = BOOKINGS.columns[:2], "some_bookings"
    declare_table(earlier, BOOKINGS, pipeline.lake.url(BOOKINGS.name))
    pipeline.run(NEW, assets=IMPORT)
    source = f"FROM {earlier.name(BOOKINGS.name)}"

    def plan() -> str:
        return str(earlier.execute(f"SHOW CREATE TABLE {earlier.name(name)}"))

    declare_view(earlier, name, columns, f"{source} WHERE cab_color = 'white'")
    declare_view(pipeline.hive, name, columns, f"{source} WHERE cab_color = 'black'")
    assert "black" in plan()
    with closing(Hive(str(pipeline.env.hive_url))) as older:
        declare_view(older, name, columns[:1], f"{source} WHERE cab_color = 'black'")
    assert f"`{columns[1].name}`" in plan()
    view = earlier.name(name)
    for changed in (
        f"ALTER VIEW {view} AS SELECT booking_id, customer_id FROM {earlier.name(BOOKINGS.name)}",
        f"CREATE OR REPLACE VIEW {view} AS SELECT *, 1 AS one {source}",
    ):
        earlier.execute(changed)
        with closing(Hive(str(pipeline.env.hive_url))) as another:
            declare_view(another, name, columns, f"{source} WHERE cab_color = 'black'")
        assert "black" in plan()
    earlier.execute(f"DROP VIEW {view}")
    earlier.execute(f"CREATE TABLE {view} (booking_id STRING, customer_id BIGINT)")
    with (
        closing(Hive(str(pipeline.env.hive_url))) as another,
        pytest.raises(ForeignTable, match="needs a view of that name"),
    ):
        declare_view(another, name, columns, source)
    earlier.execute(f"DROP TABLE {view}")
