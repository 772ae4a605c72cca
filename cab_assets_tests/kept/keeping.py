"""Keep a lake, its Hive tables and a Dagster home in one file, and put them back.

make.py makes that file by the version that is checked out.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cab_assets.clients.hive import Hive
from cab_assets.declarations import Table
from cab_assets.store.pointers import Pointers
from cab_assets.tables.bookings import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES, REJECTS
from cab_assets_tests.pipeline import Pipeline

KEPT = Path(__file__).with_name("kept.tar.gz")
ROOT, DATABASE = "{root}", "{database}"  # what stands for them in the statements that are kept
TABLES = (BOOKINGS, BOOKING_AGGREGATES, CLICKSTREAM_BATCHES, CLICKS, REJECTS)
VIEWS = ("clickstream", "clickstream_rejects")
STATEMENTS = "hive.json"


def keep(pipeline: Pipeline, home: Path) -> None:
    """Write the lake, the statements that make its Hive tables, and the Dagster home."""
    root, database = folder(pipeline), pipeline.hive.database
    made = (each.replace(database, DATABASE) for each in _statements(pipeline.hive))
    statements = [
        each.replace(f"file://{root}", ROOT).replace(f"file:{root}", ROOT) for each in made
    ]
    with tempfile.TemporaryDirectory() as aside, tarfile.open(KEPT, "w:gz") as kept:
        Path(aside, STATEMENTS).write_text(json.dumps(statements, indent=1))
        for path, name in (
            (root, "lake"),
            (home, "dagster"),
            (Path(aside, STATEMENTS), STATEMENTS),
        ):
            kept.add(path, name, filter=_of_nobody)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what steps printed, and whoever made the file."""
    member.uname = member.gname = ""
    return None if member.name == "dagster/storage" else member


def folder(pipeline: Pipeline) -> Path:
    """Return where the lake is."""
    return Path(str(pipeline.env.lake_root).removeprefix("file://"))


def _statements(hive: Hive) -> Iterator[str]:
    """Return what declares the tables, their partitions and the views."""
    for table in TABLES:
        yield hive.execute(f"SHOW CREATE TABLE {hive.name(table.name)} AS SERDE")[0][0]
    for name in VIEWS:
        yield hive.execute(f"SHOW CREATE TABLE `{hive.database}`.`{name}`")[0][0]
    for table in TABLES:
        for value, location in pointers(hive, table).items():
            partition = f"PARTITION ({table.partition_column}='{value}')"
            yield f"ALTER TABLE {hive.name(table.name)} ADD {partition} LOCATION '{location}'"


def pointers(hive: Hive, table: Table) -> dict[str, str]:
    partitions = Pointers(hive, table)
    return partitions.locations(partitions.values())


def put_back(pipeline: Pipeline, aside: Path) -> Path:
    """Unpack into the pipeline's lake and Hive database; return the Dagster home."""
    with tarfile.open(KEPT) as kept:
        kept.extractall(aside, filter="data")
    folder(pipeline).rmdir()
    (aside / "lake").rename(folder(pipeline))
    for statement in json.loads((aside / STATEMENTS).read_text()):
        made = statement.replace(ROOT, str(pipeline.env.lake_root))
        pipeline.hive.execute(made.replace(DATABASE, pipeline.hive.database))
    return aside / "dagster"
