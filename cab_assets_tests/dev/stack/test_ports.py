import json
import socket
from pathlib import Path

from cab_assets.dev.stack import ports


def listener() -> socket.socket:
    return socket.create_server((ports.LOOPBACK, 0))


def test_a_taken_port_is_passed_over(tmp_path: Path) -> None:
    with listener() as taken:
        usual = taken.getsockname()[1]
        with ports.claimed(tmp_path, {"hive": usual}) as chosen:
            assert usual < chosen["hive"] < usual + 1000


def test_chosen_ports_are_chosen_again(tmp_path: Path) -> None:
    with listener() as taken:
        usual = {"hive": taken.getsockname()[1]}
        with ports.claimed(tmp_path, usual) as first:
            pass
    with ports.claimed(tmp_path, usual) as again:  # the usual one is free by now
        assert again == first == ports.remembered(tmp_path)


def test_a_remembered_port_that_a_stranger_took_is_replaced(tmp_path: Path) -> None:
    with listener() as stranger:
        taken = stranger.getsockname()[1]
        (tmp_path / "ports.json").write_text(json.dumps({"hive": taken}))
        with ports.claimed(tmp_path, {"hive": taken}) as chosen:
            assert chosen["hive"] != taken
            assert ports.remembered(tmp_path) == chosen


def test_two_stacks_that_start_at_once_choose_different_ports(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with listener() as probe:
        free = probe.getsockname()[1]
    with (
        ports.claimed(tmp_path, {"hive": free}) as mine,
        ports.claimed(tmp_path / "other", {"hive": free}) as theirs,
    ):
        assert mine["hive"] != theirs["hive"]
