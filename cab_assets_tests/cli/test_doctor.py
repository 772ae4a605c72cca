import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from cab_assets.cli.doctor import PARTS, Examination, Part
from cab_assets.cli.main import app
from cab_assets.cli.trials import hive, lake, spark
from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.clocks import ZonesDisagree
from cab_assets.clients.known_failures import KafkaHidden
from cab_assets.tables.clicks import CLICKS, CLICKSTREAM_BATCHES
from cab_assets_tests.clicks import Clicks
from cab_assets_tests.patience import patience
from cab_assets_tests.pipeline import Pipeline

NOBODY = 1  # a port that nobody listens on
ALL = {part.name for part in PARTS}
OF_SPARK = {"spark", "spark reads", "spark writes", "spark tables", "spark python", "spark kafka"}


class ElsewhereForSpark(ClickTopic):
    """Brokers whose address is another one on Spark's machines."""

    def for_spark(self) -> dict[str, str]:
        return super().for_spark() | {"kafka.bootstrap.servers": f"127.0.0.1:{NOBODY}"}


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a topic, as a company has one."""
    Clicks(pipeline).create()
    return pipeline


def doctor(pipeline: Pipeline, exit_code: int, **variables: str) -> dict[str, str]:
    """What `cab doctor` says of each part."""
    said = CliRunner(env={**pipeline.variables, **variables}).invoke(app, ["doctor"])
    assert said.exit_code == exit_code, said.output
    lines = said.stdout.partition("\n\n")[2].splitlines()
    return {line[6:18].strip(): f"{line[:4].strip()} {line[20:]}" for line in lines}


def marked(said: dict[str, str], mark: str) -> set[str]:
    return {name for name, line in said.items() if line.startswith(f"{mark} ")}


def is_clean(pipeline: Pipeline, *, tables: tuple[str, ...] = ()) -> None:
    """Nothing of a doctor is left, neither in the lake nor in Hive."""
    assert [info.path for info in pipeline.lake.list("") if info.path not in tables] == []
    assert [path for table in tables for path in pipeline.lake.list(table)] == []
    assert pipeline.hive.execute("SHOW TABLES") == []


def test_every_part_is_tried_in_every_folder_that_is_there(pipeline: Pipeline) -> None:
    tables = (CLICKSTREAM_BATCHES.name, CLICKS.name)
    for name in tables:
        pipeline.lake.files.create_dir(name)
    said = doctor(pipeline, 0)
    assert marked(said, "ok") == ALL
    assert (
        said["lake"]
        == f"ok {pipeline.lake.root}: written, read and deleted, also in clickstream_batches and"
        " clicks"
    )
    assert said["spark writes"].endswith("also in clickstream_batches and clicks")
    is_clean(pipeline, tables=tables)


def test_a_hive_that_is_down_leaves_the_others_to_be_tried(pipeline: Pipeline) -> None:
    said = doctor(pipeline, 1, CAB_HIVE_URL=f"hive://cab@127.0.0.1:{NOBODY}/cab")
    assert marked(said, "FAIL") == {"hive"}
    assert said["hive ddl"] == "skip not tried: it needs hive"
    assert marked(said, "ok") == ALL - {"hive", "hive ddl", "hive reads", "spark tables"}
    is_clean(pipeline)


def test_everything_down_is_told_line_by_line(pipeline: Pipeline) -> None:
    said = doctor(
        pipeline,
        1,
        CAB_BOOKINGS_DB_URL=f"postgresql://cab@127.0.0.1:{NOBODY}/cab",
        CAB_BOOKINGS_DB_PASSWORD="secret of rides",
        CAB_KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{NOBODY}",
        CAB_HIVE_URL=f"hive://cab@127.0.0.1:{NOBODY}/cab",
        CAB_SPARK_REMOTE=f"sc://127.0.0.1:{NOBODY}/;token=secret",
        CAB_LAKE_ROOT="file:///sys/denied",
    )
    assert marked(said, "FAIL") == {"bookings db", "clocks", "kafka", "lake", "hive", "spark"}
    assert said["spark reads"] == "skip not tried: it needs lake and spark"
    assert "/sys/denied, or may not write there: " in said["lake"]
    assert "secret" not in str(said)


def test_a_folder_that_is_locked_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "lake" / "clicks").symlink_to("/sys")
    (tmp_path / "lake" / "rejects").symlink_to("/sys/kernel")
    said = doctor(pipeline, 1)
    assert marked(said, "FAIL") == {"lake"}
    assert "clicks: " in said["lake"]
    assert "rejects: " in said["lake"]
    assert said["lake"].endswith(
        "Give the user of this process permission to read, write and delete in these folders"
    )


@pytest.fixture
def hidden(tmp_path: Path) -> Iterator[str]:
    """A lake that this process alone can see, by way of a folder it has open."""
    (tmp_path / "hidden").mkdir()
    opened = os.open(tmp_path / "hidden", os.O_RDONLY)
    number = os.dup2(opened, 987)
    yield f"file:///proc/self/fd/{number}"
    os.close(number)
    os.close(opened)


def test_a_lake_that_spark_and_hive_do_not_see_is_named(
    pipeline: Pipeline, hidden: str, tmp_path: Path
) -> None:
    said = doctor(pipeline, 1, CAB_LAKE_ROOT=hidden)
    assert marked(said, "FAIL") == {"hive ddl", "spark reads", "spark writes"}
    assert "PATH_NOT_FOUND" in said["spark reads"]
    assert "set CAB_LAKE_ROOT to a disk or store that all machines share" in said["spark reads"]
    assert "is not a directory or unable to create one" in said["hive ddl"]
    assert list((tmp_path / "hidden").iterdir()) == []
    is_clean(pipeline)


def test_a_hive_on_another_clock_is_named_and_its_table_is_taken_away(pipeline: Pipeline) -> None:
    trials = Trials(pipeline.env)
    lake.write(trials)
    hive.declare(trials)
    trials.hive.execute("SET TIME ZONE 'Asia/Kolkata'")
    with pytest.raises(
        ZonesDisagree,
        match=(
            r"HiveServer2 reads .* for the local timestamp 2020-03-29 02:30:15\.123456 .* configure"
            r" it to run in UTC"
        ),
    ):
        hive.read(trials)
    assert len(pipeline.hive.execute("SHOW TABLES")) == 1
    trials.clear()
    is_clean(pipeline)


def test_a_topic_that_is_not_there_keeps_spark_from_being_asked_for_it(pipeline: Pipeline) -> None:
    said = doctor(pipeline, 1, CAB_CLICKSTREAM_TOPIC="absent")
    assert said["kafka"].startswith("FAIL there is no topic absent at ")
    assert said["spark kafka"] == "skip not tried: it needs kafka"


@pytest.mark.faults
def test_brokers_that_spark_does_not_reach_are_named(pipeline: Pipeline) -> None:
    trials = Trials(pipeline.env)
    topic = trials.click_topic
    vars(trials)["click_topic"] = ElsewhereForSpark(topic.servers, topic.name)
    with pytest.raises(
        KafkaHidden,
        match=(
            r"Timed out waiting for a node assignment.* This process reaches .*: allow Spark's"
            r" machines to connect to each broker"
        ),
    ):
        spark.read_topic(trials)


def test_two_doctors_at_once_do_not_meet(pipeline: Pipeline) -> None:
    command = [sys.executable, "-c", "from cab_assets.cli.main import app; app()", "doctor"]
    both = [
        subprocess.Popen(command, env=pipeline.environ(), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [each.communicate(timeout=patience(200))[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    is_clean(pipeline)


def test_a_part_that_hangs_or_breaks_is_left_for_the_next(pipeline: Pipeline) -> None:
    lines: list[str] = []
    examination = Examination(Trials(pipeline.env), lines.append)
    examination.try_out(Part("deaf", lambda _: str(Event().wait(60)), seconds=0.1))
    examination.try_out(Part("broken", lambda _: str(1 // 0)))
    examination.try_out(Part("well", lambda _: "here"))
    assert [line.split()[0] for line in lines] == ["FAIL", "FAIL", "ok"]
    assert "no answer within 0.1 s, although the connection was accepted" in lines[0]
    assert (
        "  broken        broken: ZeroDivisionError: integer division or modulo by zero. The"
        " pipeline" in lines[1]
    )
    log = Path(lines[1].split()[-1])
    assert "1 // 0" in log.read_text()
    log.unlink()


def test_everything_that_is_not_set_is_one_answer(tmp_path: Path) -> None:
    said = CliRunner(
        env={"CAB_HOME": str(tmp_path), "CAB_ENV": "cluster", "CAB_SPARK_MASTER": "yarn"}
    ).invoke(app, ["doctor"])
    assert said.exit_code == 1
    told = said.stdout.partition("FAIL  settings  ")[2].splitlines()
    assert [line.split()[0] for line in told] == [
        "CAB_BOOKINGS_DB_URL",
        "CAB_KAFKA_BOOTSTRAP_SERVERS",
        "CAB_HIVE_URL",
        "CAB_LAKE_ROOT",
    ]
