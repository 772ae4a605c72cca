from pathlib import Path

from cab_assets_tests.defs.graph import graph


def test_the_graph_is_the_one_written_down() -> None:
    assert graph().splitlines() == Path(__file__).with_name("graph.txt").read_text().splitlines()
