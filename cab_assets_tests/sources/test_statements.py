from pathlib import Path

from cab_assets_tests.sources.statements import statements


def test_the_databases_are_sent_the_statements_that_are_written_down() -> None:
    written = Path(__file__).with_name("statements.txt").read_text()
    assert statements().splitlines() == written.splitlines()
