import re
from contextlib import closing

import pytest
from puresasl.mechanisms import mechanisms

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveRefused, HiveUnavailable
from cab_assets.clients.hive_text import normal_url
from cab_assets.clients.known_failures import LakeHidden, LakeLocked, NoSuchDatabase, Refused
from cab_assets.store.declare import declare_table
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.patience import within
from cab_assets_tests.pipeline import Pipeline
from cab_assets_tests.relay import Relay


@pytest.mark.parametrize(
    ("told", "normal"),
    [
        ("file:/lake/a", "file:///lake/a"),
        ("file:///lake/a", "file:///lake/a"),
        ("hdfs://name:8020/lake/a", "hdfs://name:8020/lake/a"),
        ("s3://bucket/a", "s3://bucket/a"),
    ],
)
def test_a_location_has_one_spelling(told: str, normal: str) -> None:
    assert normal_url(told) == normal


class Dumb(Hive):
    """A HiveServer2 that takes every statement."""

    def execute(self, statement: str) -> list[tuple[object, ...]]:  # noqa: ARG002
        columns = [(column.name, column.type) for column in BOOKINGS.columns]
        return [
            *columns,
            ("# Partition Information", ""),
            (BOOKINGS.partition_column, "string"),
            ("Type", "EXTERNAL"),
            ("Table Properties", "[discover.partitions=false, external.table.purge=false]"),
            ("InputFormat", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"),
        ]


class Apache(Dumb):
    is_apache = True


class Sparks(Dumb):
    is_apache = False


@pytest.mark.parametrize("odd", [" ", "%", '"', "<", ">", "^", "`", "|"])
def test_a_root_that_apache_hive_moves_no_partition_to_is_rejected_by_name(odd: str) -> None:
    root = f"hdfs://name:8020/a{odd}b"
    declare_table(Sparks("hive://hive:10000/cab"), BOOKINGS, root)
    with pytest.raises(
        HiveRefused, match=f"{re.escape(repr(odd))}: choose a CAB_LAKE_ROOT without"
    ):
        declare_table(Apache("hive://hive:10000/cab"), BOOKINGS, root)


def test_a_root_that_java_takes_as_a_uri_is_not_rejected() -> None:
    root = "hdfs://name:8020/a%20b+c=d&e'f,g;h@i~é赤"
    declare_table(Apache("hive://hive:10000/cab"), BOOKINGS, root)


def test_a_statement_that_is_refused_says_why_in_one_line(pipeline: Pipeline) -> None:
    with pytest.raises(HiveRefused, match=r"rejected the statement: .*absent.*") as refused:
        pipeline.hive.execute("SELECT * FROM absent")
    assert "\n" not in str(refused.value)
    assert pipeline.hive.execute("SELECT 42") == [(42,)]


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("hdfs://127.0.0.1:1/lake", LakeHidden),
        ("s3a://bucket/lake", LakeHidden),
        ("file:///sys/denied", LakeLocked),
    ],
)
def test_a_lake_that_hive_cannot_use_is_named(
    pipeline: Pipeline, location: str, error: type[Refused]
) -> None:
    url = str(pipeline.env.hive_url)
    with (
        closing(Hive(url, lake=location)) as hive,
        pytest.raises(error, match=r"Remedy: .* CAB_LAKE_ROOT"),
    ):
        declare_table(hive, BOOKINGS, location)


def test_a_database_that_is_not_there_is_named(pipeline: Pipeline) -> None:
    with (
        closing(Hive(str(pipeline.env.hive_url).replace(pipeline.hive.database, "absent"))) as hive,
        pytest.raises(NoSuchDatabase, match="CAB_HIVE_URL"),
    ):
        hive.execute("SHOW TABLES")


def test_kerberos_without_its_package_is_said(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(mechanisms, "GSSAPI", raising=False)
    with (
        closing(Hive(f"{pipeline.env.hive_url}?auth=KERBEROS")) as hive,
        pytest.raises(HiveRefused, match="the package kerberos"),
    ):
        hive.execute("SELECT 42")


@pytest.mark.parametrize("answers", [2, 5, 6, 7])
def test_a_server_that_falls_silent_half_way_is_waited_for_once(
    pipeline: Pipeline, answers: int
) -> None:
    """It takes eight answers to connect, run a statement and fetch its rows."""
    with (
        Relay(pipeline.hive.port, answers) as relay,
        closing(Hive(f"hive://cab@127.0.0.1:{relay.port}/cab", answer_seconds=1)) as client,
        within(3),
        pytest.raises(
            HiveUnavailable, match=f"HiveServer2 at 127.0.0.1:{relay.port} does not answer"
        ),
    ):
        client.execute("SELECT 42")
