import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cab_assets

PACKAGE = Path(cab_assets.__file__).parent
WITHOUT_DAGSTER = ["transforms", "warehouse", "bookings", "schemas.py", "errors.py"]
READS_THE_ENVIRONMENT = {  # whoever is given an Environment only names its type
    "cab_assets.environment",
    "cab_assets.defs.resources",
    "cab_assets.cli",
    "cab_assets.cli_operators",
    "cab_assets.resources.spark",  # sets PYSPARK_PYTHON if it is not set: pyspark takes its workers' Python from nowhere else
}


def modules(*parts: str) -> Iterator[tuple[str, ast.Module]]:
    for part in parts:
        for path in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]:
            yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), ast.parse(path.read_text())


def imported(module: ast.Module) -> set[str]:
    """Every dotted name that a module imports, wherever in it."""
    plain = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {
        f"{node.module}.{alias.name}" for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for alias in node.names
    }  # fmt: skip


@pytest.mark.parametrize("part", WITHOUT_DAGSTER)
def test_mechanisms_know_nothing_of_dagster(part: str) -> None:
    assert [name for name, module in modules(part) if {"dagster", "dagster_pyspark"} & {each.split(".")[0] for each in imported(module)}] == []


@pytest.mark.parametrize("part", [*WITHOUT_DAGSTER, "resources"])
def test_mechanisms_and_clients_know_nothing_of_assets_and_stack(part: str) -> None:
    upward = ("cab_assets.defs", "cab_assets.stack", "cab_assets.cli", "cab_assets.sample", "cab_assets.environment")
    assert [(name, each) for name, module in modules(part) for each in imported(module) if each.startswith(upward)] == []


def test_the_environment_is_read_where_it_may_be() -> None:
    readers = {name for name, module in modules("") if reads_environment(module) and not name.startswith("cab_assets.stack.")}
    assert readers <= READS_THE_ENVIRONMENT
    assert "cab_assets.defs.resources" in readers


def reads_environment(module: ast.Module) -> bool:
    calls = {ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    return bool(calls & {"os.environ", "os.getenv", "environment.read"})
