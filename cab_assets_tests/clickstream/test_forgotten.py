"""A metastore that has forgotten committed batches: dropped by hand, or put back from a dump of
before them.
"""

from collections.abc import Callable
from contextlib import closing

import pytest

from cab_assets.clickstream.batch import batch_path
from cab_assets.clickstream.errors import ForeignBatch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.marks import NEWEST, RETIRED
from cab_assets.clients.hive import Hive
from cab_assets.store.manifest import MANIFEST
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES
from cab_assets_tests.clickstream.test_ledger import commit, ledger, staged

__all__ = ["ledger"]


def dropped(*numbers: int) -> Callable[[Ledger], None]:
    return lambda ledger: ledger.pointers.drop([f"{number:012d}" for number in numbers])


def no_table(ledger: Ledger) -> None:
    """Drop the table; the next run, whose client has declared nothing yet, declares it again."""
    before = ledger.hive
    before.execute(f"DROP TABLE {before.name(CLICKSTREAM_BATCHES.name)}")
    with closing(
        Hive(f"hive://{before.user}@{before.host}:{before.port}/{before.database}")
    ) as hive:
        Ledger(ledger.lake, hive).create()


def dump_of_before(ledger: Ledger) -> None:
    """Of when the third batch was the newest and none was retired."""
    no_table(ledger)
    urls = {
        f"{number:012d}": ledger.lake.url(batch_path(folder))
        for number, folder in enumerate("abc", 1)
    }
    ledger.pointers.add(urls)


@pytest.mark.parametrize(
    "forget", [dropped(5), dropped(4, 5), dropped(3, 4, 5), no_table, dump_of_before]
)
def test_batches_that_the_metastore_forgot_are_shown_again_and_no_number_comes_twice(
    ledger: Ledger, forget: Callable[[Ledger], None]
) -> None:
    batches = [commit(ledger, folder, 5 * at, 5 * at + 5) for at, folder in enumerate("abcde")]
    ledger.retire([1, 2])
    forget(ledger)
    assert ledger.newest() == batches[4]
    assert ledger.shown(ledger.newest())[-3:] == batches[2:]
    assert ledger.numbers() >= {3, 4, 5}
    assert commit(ledger, "f", 25, 30).number == 6


def test_a_batch_that_is_forgotten_while_others_follow_is_shown_again(ledger: Ledger) -> None:
    first, second, third = (
        commit(ledger, folder, 5 * at, 5 * at + 5) for at, folder in enumerate("abc")
    )
    dropped(2, 3)(ledger)
    fourth = ledger.commit(staged(ledger, "d", 15, 20), third)  # of a writer that knows it
    assert ledger.shown(ledger.newest()) == [first, second, third, fourth]
    assert ledger.numbers() == {1, 2, 3, 4}


def test_a_forgotten_batch_whose_manifest_is_gone_is_named(ledger: Ledger) -> None:
    commit(ledger, "a", 0, 5)
    commit(ledger, "b", 5, 9)
    dropped(2)(ledger)
    ledger.lake.files.delete_file(f"{batch_path('b')}/{MANIFEST}")
    with pytest.raises(
        ForeignBatch,
        match=(
            "the manifest of batch 2, whose partition clickstream_batches no longer has, is missing"
            " or unreadable"
        ),
    ):
        ledger.newest()


def test_batches_of_an_older_lake_are_read_as_they_are_shown(ledger: Ledger) -> None:
    batches = [commit(ledger, folder, 5 * at, 5 * at + 5) for at, folder in enumerate("abc")]
    ledger.retire([1])
    for mark in (NEWEST, RETIRED):
        ledger.lake.files.delete_file(mark)
    assert ledger.shown(ledger.newest()) == batches[1:]
    ledger.create()
    assert ledger.shown(ledger.newest()) == batches[1:]
    assert ledger.numbers() == {2, 3}
