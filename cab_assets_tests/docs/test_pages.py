"""The pages name every error and every variable that there is, and their links lead somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cab_assets.environment import Environment, name_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docker").glob("*.md")]
)
MODULES = sorted((ROOT / "cab_assets").rglob("*.py"))


def errors() -> set[str]:
    """Return the names of CabError and all classes that derive from it, wherever they are."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = {"CabError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def in_the_first_column(page: str) -> set[str]:
    """Return the code words in the first column of a page's tables."""
    rows = re.findall(
        r"^\| (`[^|]*) \|", (ROOT / "docs" / "reference" / page).read_text(), re.MULTILINE
    )
    return {word for row in rows for word in re.findall(r"`(\w+)`", row)}


def anchors(page: Path) -> set[str]:
    """Return what a link to a heading of a page ends in."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def links() -> Iterator[tuple[Path, str]]:
    """Yield the links of pages, and those of messages as if they stood in the README."""
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if "://" not in link:
                yield page, link
    for module in MODULES:
        for link in re.findall(r"\bdocs/[\w/-]+\.md(?:#[\w-]+)?", module.read_text()):
            yield ROOT / "README.md", link


def test_every_error_has_its_line() -> None:
    assert in_the_first_column("errors.md") == errors() - {"CabError", "Unavailable", "Unforeseen"}


def test_every_variable_has_its_line() -> None:
    variables = {name_of(field) for field in Environment.model_fields}
    assert in_the_first_column("configuration.md") == variables | {"DAGSTER_HOME", "DAGSTER_LOGS"}


@pytest.mark.parametrize(("page", "link"), sorted(set(links())))
def test_a_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    assert target.exists()
    if anchor:
        assert anchor in anchors(target)
