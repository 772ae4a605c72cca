import pytest

from cab_assets.sources.cursors import Cursors


def test_after_an_error_whoever_borrows_gets_that_error() -> None:
    cursors = Cursors(["one", "two"])
    with pytest.raises(ZeroDivisionError), cursors.lend():
        raise ZeroDivisionError("the first")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="the first"), cursors.lend():
            raise KeyError("a later one")
    with cursors.lend_failed() as cursor:
        assert cursor in ("one", "two")
