import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.environment import Environment


def cab(*arguments: str, **variables: str) -> Result:
    return CliRunner(env=variables).invoke(app, arguments)


def test_env_prints_what_a_shell_can_read_back(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text(
        "CAB_LAKE_ROOT='file:///my cab/lake'\nCAB_BOOKINGS_DB_PASSWORD=secret\n"
    )
    printed = dict(
        line.split("=", 1) for line in shlex.split(cab("env", CAB_HOME=str(tmp_path)).stdout)
    )
    assert printed["CAB_LAKE_ROOT"] == "file:///my cab/lake"
    assert printed["CAB_BOOKINGS_DB_PASSWORD"] == "secret"
    assert printed["CAB_TIMEZONE"] == "UTC"
    assert printed["DAGSTER_HOME"] == str(tmp_path / "dagster")
    assert "CAB_SPARK_MASTER" not in printed


def test_env_keeps_a_dagster_home_that_is_set() -> None:
    assert (
        "DAGSTER_HOME=/var/dagster" in cab("env", DAGSTER_HOME="/var/dagster").stdout.splitlines()
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "env"])
def test_an_error_of_ours_is_a_sentence_and_no_traceback(command: str) -> None:
    failed = cab(command, CAB_TIMEZONE="Bombay")
    assert (
        failed.stderr
        == "CAB_TIMEZONE=Bombay must be a zone of the tz database, as in Asia/Kolkata\n"
    )
    assert failed.exit_code == 1


def is_named(failed: Result, error: str) -> None:
    """One sentence, and the traceback in the file that it names."""
    assert failed.exit_code == 1
    assert failed.stderr.startswith(error)
    assert failed.stderr.count("\n") == 1
    log = Path(failed.stderr.partition("which is in ")[2].strip())
    assert "Traceback (most recent call last)" in log.read_text()
    log.unlink()


def test_an_error_that_is_not_ours_is_a_sentence_and_its_traceback_a_file(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_bytes(b"CAB_TIMEZONE=\xff")
    is_named(
        cab("env", CAB_HOME=str(tmp_path)),
        "cab env: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
    )


def test_status_of_a_stack_that_is_down_fails(tmp_path: Path) -> None:
    stopped = cab("status", CAB_HOME=str(tmp_path))
    assert [line.split()[:3] for line in stopped.stdout.splitlines()[1:]] == [
        ["postgres", "STOPPED", "no"],
        ["kafka", "STOPPED", "no"],
        ["warehouse", "STOPPED", "no"],
    ]
    assert stopped.exit_code == 1


def test_status_as_json_names_ports_and_logs(stack: Environment) -> None:
    answered = cab("status", "--json", CAB_HOME=str(stack.home))
    assert answered.exit_code == 0
    by_name = {each["name"]: each for each in json.loads(answered.stdout)}
    assert by_name["postgres"]["ports"].keys() == {"postgres"}
    assert by_name["kafka"]["ports"].keys() == {"kafka", "controller"}
    assert by_name["warehouse"]["ports"].keys() == {"hive", "spark"}
    assert all(Path(each["log"]).exists() for each in by_name.values())


def test_a_wipe_of_a_folder_that_is_no_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("not ours")
    refused = cab("down", "--wipe", CAB_HOME=str(tmp_path))
    assert refused.exit_code == 1
    assert "nothing was deleted" in refused.stderr


@pytest.mark.parametrize("date", ["2020-02-30", "20200229", "yesterday", ""])
def test_a_date_that_is_none_is_rejected_before_any_server_is_asked(date: str) -> None:
    result = CliRunner().invoke(app, ["replay-rejects", "--date", "2020-02-29", "--date", date])
    assert result.exit_code == 2, result.output
    assert "YYYY-MM-DD" in result.output
