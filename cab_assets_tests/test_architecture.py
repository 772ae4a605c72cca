import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cab_assets

PACKAGE = Path(cab_assets.__file__).parent
EVERYWHERE = {"declarations", "errors", "secrets", "tables", "variables"}
BELOW: dict[str, set[str]] = {  # a package of mechanisms -> those that it may import
    "transforms": set(),
    "clients": set(),
    "sources": {"clients"},
    "store": {"clients", "sources"},
    "daily": {"clients", "sources", "store", "transforms"},
    "clickstream": {"clients", "sources", "store", "transforms"},
}
READS_THE_ENVIRONMENT = {  # whoever is given an Environment only names its type
    "cab_assets.environment",
    "cab_assets.compute_logs",  # Dagster makes it from its dagster.yaml
    "cab_assets.defs.resources",
    "cab_assets.cli.asking",
    "cab_assets.cli.main",
    "cab_assets.cli.operators",
    # Sets PYSPARK_PYTHON if it is not set: pyspark takes its workers' Python from nowhere else
    "cab_assets.clients.spark",
}


def modules(*parts: str) -> Iterator[tuple[str, ast.Module]]:
    for part in parts:
        for path in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]:
            yield (
                ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts),
                ast.parse(path.read_text()),
            )


def imported(module: ast.Module) -> set[str]:
    """Every dotted name that a module imports, wherever in it."""
    plain = {
        alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    return plain | {
        f"{node.module}.{alias.name}"
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize(("part", "below"), BELOW.items())
def test_the_arrows_point_one_way(part: str, below: set[str]) -> None:
    allowed = {part, *below, *EVERYWHERE}
    others = {
        f"{name} -> {each}"
        for name, module in modules(part)
        for each in imported(module)
        if each.startswith("cab_assets.") and each.split(".")[1] not in allowed
    }
    assert others == set()


def test_mechanisms_know_nothing_of_dagster() -> None:
    names = [name for part in BELOW for name, _ in modules(part)]
    loading = (
        f"import sys, {', '.join(names)}; print(*(name for name in sys.modules if"
        " name.startswith('dagster')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", loading], check=True, capture_output=True, text=True
    )
    assert loaded.stdout == "\n"


def test_the_environment_is_read_where_it_may_be() -> None:
    readers = {
        name
        for name, module in modules("")
        if reads_environment(module) and not name.startswith("cab_assets.dev.")
    }
    assert readers <= READS_THE_ENVIRONMENT
    assert "cab_assets.defs.resources" in readers


def reads_environment(module: ast.Module) -> bool:
    calls = {ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    return bool(calls & {"os.environ", "os.getenv", "environment.read"})


def test_every_file_that_the_docs_name_is_there() -> None:
    roots = [PACKAGE, PACKAGE.parent / "cab_assets_tests", PACKAGE.parent / "docker"]
    files = {str(path) for root in roots for path in root.rglob("*.py")}
    pages = [*(PACKAGE.parent / "docs").rglob("*.md"), *PACKAGE.parent.glob("*.md")]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text())
    }
    gone = {each for each in named if not any(file.endswith(f"/{each[1]}") for file in files)}
    assert gone == {("0012-rooms.md", "cli.py")}  # what was before
