"""Where the output of a run is kept, by what the pipeline's own dagster.yaml says."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from cab_assets.settings import CHECKOUT
from cab_assets_tests.aws import aws


@dg.op
def speak() -> None:
    print("spoken in a step")  # noqa: T201


@dg.job
def speaking() -> None:
    speak()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(CHECKOUT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def bucket() -> Iterator[str]:
    with aws():
        with closing(boto3.client("s3", region_name="us-east-1")) as s3:
            s3.create_bucket(Bucket="logs-of-runs")
        yield "logs-of-runs"


def output(instance: dg.DagsterInstance) -> str:
    """Return what a run's page shows of its one step."""
    ended = speaking.execute_in_process(instance=instance)
    (captured,) = (event for event in ended.all_events if event.event_type_value == "LOGS_CAPTURED")
    key = instance.compute_log_manager.build_log_key_for_run(
        ended.run_id, captured.logs_captured_data.file_key
    )
    data = instance.compute_log_manager.get_log_data(key)
    return (data.stdout or b"").decode()


def test_output_goes_to_the_bucket_of_a_lake_on_s3(
    home: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_LAKE_ROOT", f"s3://{bucket}/some/lake")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        shown = output(instance)
    shutil.rmtree(home / "storage", ignore_errors=True)  # as with the container
    assert shown == "spoken in a step\n"
    with closing(boto3.client("s3")) as s3:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert all(key.startswith("some/lake/_dagster/") for key in keys)
    assert any(key.endswith(f".{'out'}") for key in keys), (keys, ComputeIOType.STDOUT)


@pytest.mark.parametrize("root", ["", "file:///data/lake", "hdfs://name:8020/lake"])
def test_output_stays_on_this_machine_for_any_other_lake(
    home: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAB_LAKE_ROOT", root)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.compute_log_manager, LocalComputeLogManager)
        assert output(instance) == "spoken in a step\n"
    assert list((home / "storage").rglob("*.out"))
