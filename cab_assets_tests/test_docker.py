"""What can be held of docker/ without docker. Whether it comes up, `make docker-demo` says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from cab_assets.dev.stack.warehouse import SETTINGS
from cab_assets.environment import Environment, name_of, read
from cab_assets.settings import CHECKOUT

DOCKER = CHECKOUT / "docker"
EXAMPLE = (DOCKER / ".env.example").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text())[
    "services"
]
# The embedded warehouse is one process on this machine alone
OF_LOOPBACK = ("spark.plugins", "spark.connect.", "spark.driver.")


def test_every_variable_is_in_the_one_file_of_settings() -> None:
    shown = set(re.findall(r"^(?:# )?(CAB_\w+)=", EXAMPLE, re.MULTILINE)) | set(
        SERVICES["dagster-code"]["environment"]
    )
    assert {name_of(field) for field in Environment.model_fields} - shown == set()


def test_the_defaults_it_shows_are_those_in_force() -> None:
    shown = dict(re.findall(r"^# (CAB_\w+)=(.+)$", EXAMPLE, re.MULTILINE))
    assert read({"CAB_ENV": "cluster"} | shown) == read({"CAB_ENV": "cluster"})


def test_a_pipeline_can_run_on_them() -> None:
    settings = {
        name: text or "given by make"
        for name, text in dotenv_values(DOCKER / ".env.example").items()
    }
    assert read(settings | SERVICES["dagster-code"]["environment"]).ready().env == "cluster"


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_of_the_one_image_and_may_little(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "cab-assets:${IMAGE_TAG:-latest}"
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] or name == "spark-worker"


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"cab"}))
def test_each_container_plays_a_role_that_there_is(name: str) -> None:
    assert re.search(
        rf"^{SERVICES[name]['command']}\)", (DOCKER / "role").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_says_when_it_is_well(name: str) -> None:
    awaited = {
        other
        for other, how in SERVICES[name].get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    assert awaited <= {other for other, service in SERVICES.items() if "healthcheck" in service}


def test_what_containers_add_to_dagsters_settings_replaces_none_of_them() -> None:
    ours, added = (
        yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (CHECKOUT, DOCKER)
    )
    assert ours.keys() & added.keys() == set()


def test_spark_is_told_what_the_embedded_one_is() -> None:
    told = dict(
        line.split(maxsplit=1)
        for line in (DOCKER / "conf" / "spark" / "spark-defaults.conf").read_text().splitlines()
        if line.startswith("spark.")
    )
    wanted = {name: value for name, value in SETTINGS.items() if not name.startswith(OF_LOOPBACK)}
    assert {name: told.get(name) for name in wanted} == wanted


def test_the_stage_that_fetches_jars_copies_what_it_imports(tmp_path: Path) -> None:
    stage = (DOCKER / "Dockerfile").read_text().partition(" AS jars\n")[2].partition("\nFROM ")[0]
    for *names, target in map(str.split, re.findall("^COPY (.*)", stage, re.MULTILINE)):
        for name in names:
            source, copied = CHECKOUT / name, tmp_path / target
            if source.is_dir():
                shutil.copytree(source, copied)
            else:
                copied.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copied)
    command = [sys.executable, "-c", "import fetch_jars"]
    paths = os.pathsep.join([str(tmp_path), str(tmp_path / "docker")])
    subprocess.run(command, env={"PYTHONPATH": paths}, cwd=tmp_path, check=True)
