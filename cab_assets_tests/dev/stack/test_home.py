from pathlib import Path

import pytest

from cab_assets.dev.stack import home
from cab_assets.dev.stack.errors import UnusableHome


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_home_and_its_password_are_its_owners_alone(tmp_path: Path) -> None:
    home.make(tmp_path / "new")
    assert permissions(tmp_path / "new") == 0o700
    assert permissions(tmp_path / "new" / "password") == 0o600


def test_the_password_is_long_and_stays(tmp_path: Path) -> None:
    home.make(tmp_path)
    first = home.password(tmp_path)
    home.make(tmp_path)
    assert len(first) >= 32
    assert home.password(tmp_path) == first


def test_a_path_that_servers_cannot_be_told_is_refused_by_its_characters(tmp_path: Path) -> None:
    with pytest.raises(UnusableHome, match=r"contains % ;, which"):
        home.make(tmp_path / "50%;")


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnusableHome, match="cannot be created: Not a directory"):
        home.make(tmp_path / "file" / "home")


def test_a_wipe_refuses_a_folder_that_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(UnusableHome, match="nothing was deleted"):
        home.wipe(tmp_path)
    assert (tmp_path / "lake").exists()


def test_a_wipe_leaves_what_is_not_ours(tmp_path: Path) -> None:
    home.make(tmp_path)
    (tmp_path / "supervisord.conf").write_text("")
    (tmp_path / "thesis.txt").write_text("not ours")
    home.wipe(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_private_file_is_private_even_when_an_open_one_was_there(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("old")
    home.write_private(tmp_path / "stack.env", "new")
    assert (tmp_path / "stack.env").read_text() == "new"
    assert permissions(tmp_path / "stack.env") == 0o600
