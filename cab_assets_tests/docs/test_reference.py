import pytest

from cab_assets_tests.docs.reference import FOLDER, pages


@pytest.mark.parametrize("name", ["tables.md", "commands.md", "graph.md"])
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text().splitlines() == pages()[name].splitlines()
