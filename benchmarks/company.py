"""The same code on servers as a company has them, those that the tests start: HDFS, S3, Apache
Hive, Spark on a standalone master.
"""

import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from benchmarks.imports import DAYS as IMPORTED
from benchmarks.rounds import Contender, Times, in_turn, table
from benchmarks.say import say
from benchmarks.stack import load, source
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark
from cab_assets.daily.days import import_days
from cab_assets.daily.derive_days import derive, published_rows
from cab_assets.daily.import_day import ImportedDay, import_day
from cab_assets.environment import Environment
from cab_assets.store.manifest import Manifest
from cab_assets.store.table_store import TableStore
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets_tests.aws import client_of
from cab_assets_tests.cluster.apache_hive import ApacheHive, apache_hive
from cab_assets_tests.cluster.hdfs import hdfs
from cab_assets_tests.cluster.s3 import BUCKET, S3, s3
from cab_assets_tests.cluster.spark import spark
from cab_assets_tests.processes import free_ports, serving
from cab_assets_tests.versions import bookings_day, bookings_days, publication

ROUNDS = 9
DAY = min(IMPORTED)  # of 1 M rows
FIRST, YEAR, ROWS = date(2021, 1, 1), 365, 10_000  # days of their own, whichever else were loaded
PARTITIONS = 100
WARM_IMPORTS = 4  # before the first that counts: the JVMs of HDFS have just been started
# Of Spark: executors just started take ten times as long, and JVMs compile for some forty more
WARM_JOBS = 60
GATEWAY = "versitygw"  # go install github.com/versity/versitygw/cmd/versitygw@v1.8.0


@dataclass(frozen=True)
class Company:
    """Where the servers are."""

    hdfs: str
    s3_server: str  # what serves it, for people
    hive: ApacheHive
    spark: str


@contextmanager
def company() -> Iterator[Company]:
    """At work until the block ends; two Spark workers, each of which offers two cores."""
    with TemporaryDirectory(prefix="cab-bench-") as home:
        folders = [Path(home) / name for name in ("hdfs", "s3", "hive", "spark", "gateway")]
        for each in folders:
            each.mkdir()
        with (
            hdfs(folders[0], data_nodes=2) as name_node,
            s3(folders[1]) as bucket,
            apache_hive(folders[2], name_node.root, bucket) as hive,
            spark(folders[3], hive, bucket, workers=2, isolating=False) as standalone,
            imported_to(folders[4], bucket) as (name, variables),
        ):
            os.environ.update(variables)
            yield Company(name_node.root, name, hive, standalone.remote)


@contextmanager
def imported_to(folder: Path, bucket: S3) -> Iterator[tuple[str, Mapping[str, str]]]:
    """An S3 that takes little of the cores that the import is measured on, if there is one: moto is
    Python, and takes as much of them as the import itself.
    """
    if not (gateway := shutil.which(GATEWAY)):
        # Not through the port at which it can fail
        yield ("S3 (moto)", client_of(f"http://127.0.0.1:{bucket.front.to}"))
        return
    (folder / "root" / BUCKET).mkdir(parents=True)
    (port,) = free_ports(1)
    variables = client_of(f"http://127.0.0.1:{port}")
    keys = {
        "ROOT_ACCESS_KEY": variables["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": variables["AWS_SECRET_ACCESS_KEY"],
    }
    command = [
        gateway,
        "--port",
        f"127.0.0.1:{port}",
        "--region",
        variables["AWS_REGION"],
        "posix",
        str(folder / "root"),
    ]
    with serving(command, port, folder / "gateway.log", environment=os.environ | keys):
        yield "S3 (Versity's gateway)", variables


def parts(env: Environment) -> dict[str, str]:
    """Every table of the report that is about these servers."""
    say("starting HDFS, S3, Apache Hive and Spark")
    with company() as servers:
        imported = _imports(env, servers)
        year = _year(env, Lake(f"{servers.hdfs}/year"))
        return {
            "company_imports": imported,
            "company_publishing": _publishing(servers, year),
            "company_aggregates": _aggregates(env, servers, year),
        }


def _imports(env: Environment, servers: Company) -> str:
    """One day of 1 M rows to each lake."""
    load(env, DAY, 1, IMPORTED[DAY])
    numbers = itertools.count()

    def to(root: str) -> None:
        import_day(source(env), bookings_day(Lake(f"{root}/import-{next(numbers)}"), DAY), "bench")

    with TemporaryDirectory(prefix="cab-bench-") as here:
        roots = {
            "local disk": f"file://{here}",
            "HDFS": servers.hdfs,
            servers.s3_server: f"s3://{BUCKET}",
        }
        times = in_turn(
            [
                Contender(name, partial(to, root), ROUNDS, warm=WARM_IMPORTS)
                for name, root in roots.items()
            ]
        )
    return _beside("lake", times, "local disk", "≤ 1.3")


def _year(env: Environment, lake: Lake) -> dict[str, Manifest]:
    """Versions of every day of a year, on HDFS."""
    load(env, FIRST, YEAR, ROWS)
    days = [(FIRST + timedelta(number)).isoformat() for number in range(YEAR)]
    made = dict(import_days(source(env), bookings_days(lake, days), "bench", at_once=8, say=print))
    if failed := [outcome for outcome in made.values() if isinstance(outcome, Exception)]:
        raise failed[0]
    return {
        day: imported.manifest
        for day, imported in made.items()
        if isinstance(imported, ImportedDay)
    }


def _publishing(servers: Company, year: dict[str, Manifest]) -> str:
    """New partitions on Apache Hive, in a new database each time."""
    lake, days, numbers = Lake(f"{servers.hdfs}/year"), sorted(year)[:PARTITIONS], itertools.count()

    def publish() -> None:
        database = f"bench_{next(numbers)}"
        with closing(Hive(servers.hive.url)) as hive:
            hive.execute(f"CREATE DATABASE {database}")
        with closing(Hive(f"{servers.hive.url.rpartition('/')[0]}/{database}")) as hive:
            if failed := publication(TableStore(BOOKINGS, lake, hive), days).failed:
                raise AssertionError(failed)

    name = f"{PARTITIONS} new partitions"
    times = in_turn([Contender(name, publish, ROUNDS, warm=1)])
    return table(
        [
            {
                "on Apache Hive": name,
                "median s": f"{times.seconds(name):.1f}",
                "each s": json.dumps([round(each, 1) for each in times[name]]),
                "goal": "≤ 5",
            }
        ]
    )


def _aggregates(env: Environment, servers: Company, year: dict[str, Manifest]) -> str:
    """The Spark job over the year's days, on HDFS, there and in one JVM."""
    lake = Lake(f"{servers.hdfs}/year")

    def job(session: SparkSession) -> None:
        rows = published_rows(session, lake, BOOKINGS, year)
        if derive(session, BOOKING_AGGREGATES, rows).toArrow().num_rows < YEAR:
            raise AssertionError("days are missing")

    where = {
        "standalone, two workers": Spark(servers.spark, None),
        "local, one JVM": Spark(env.spark_remote, None),
    }
    times = in_turn(
        [
            Contender(name, partial(each.run, job), ROUNDS, warm=WARM_JOBS)
            for name, each in where.items()
        ]
    )
    return _beside("Spark", times, "local, one JVM", "≤ 1")


def _beside(what: str, times: Times, base: str, goal: str) -> str:
    """Each contender, and its ratio to one of them."""
    return table(
        [
            {
                what: name,
                "median s": f"{times.seconds(name):.2f}",
                f"it / {base}": f"{times.ratio(name, base):.2f}",
                "goal": "" if name == base else goal,
            }
            for name in times
        ]
    )
