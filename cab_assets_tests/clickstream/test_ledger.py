from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from cab_assets.clickstream.batch import (
    Batch,
    BatchContents,
    Range,
    TopicEnd,
    batch_path,
    read_batch,
)
from cab_assets.clickstream.errors import ForeignBatch
from cab_assets.clickstream.ledger import Ledger
from cab_assets.store.manifest import MANIFEST
from cab_assets_tests.pipeline import Pipeline

CLICKS, TAPS = "clicks", "taps"


@pytest.fixture
def ledger(pipeline: Pipeline) -> Ledger:
    ledger = Ledger(pipeline.lake, pipeline.hive)
    ledger.create()
    return ledger


def staged(
    ledger: Ledger,
    folder: str,
    start: int,
    end: int,
    *,
    topic: str = CLICKS,
    topic_id: str = "one",
    partition: int = 0,
) -> Batch:
    """A batch of one partition, in a folder without files."""
    ledger.lake.files.create_dir(batch_path(folder))
    return Batch(
        number=0,
        folder=folder,
        previous=None,
        topic=topic,
        ranges=(Range(partition=partition, start=start, end=end),),
        contents=BatchContents(),
        topics={topic: TopicEnd(id=topic_id, ends={})},
        run_id="run",
        written=datetime(2020, 1, 1, tzinfo=UTC),
    )


def commit(ledger: Ledger, folder: str, start: int, end: int, *, topic: str = CLICKS) -> Batch:
    """One more batch, after the newest."""
    batch = ledger.commit(staged(ledger, folder, start, end, topic=topic), ledger.newest())
    assert batch
    return batch


@pytest.mark.parametrize("value", ["__x", "1", "000000000000", "2020-01-01 00:00:00"])
def test_a_partition_that_is_no_batch_is_named_with_the_statement_that_drops_it(
    ledger: Ledger, value: str
) -> None:
    commit(ledger, "a", 0, 5)
    ledger.pointers.add({value: ledger.lake.url(batch_path("a"))})
    with pytest.raises(ForeignBatch, match=rf"DROP PARTITION \(batch='{value}'\)") as found:
        ledger.create()
    ledger.hive.execute(str(found.value).rpartition(": ")[2])
    ledger.create()
    assert ledger.numbers() == {1}


def test_numbers_grow_by_one_and_the_newest_commit_is_the_state_of_every_topic(
    ledger: Ledger,
) -> None:
    assert ledger.newest() is None
    first, taps, second = (
        commit(ledger, "a", 0, 5),
        commit(ledger, "b", 70, 72, topic=TAPS),
        commit(ledger, "c", 5, 9),
    )
    assert [(each.number, each.folder, each.previous) for each in (first, taps, second)] == [
        (1, "a", None),
        (2, "b", "a"),
        (3, "c", "b"),
    ]
    assert second.topics == {
        CLICKS: TopicEnd(id="one", ends={0: 9}),
        TAPS: TopicEnd(id="one", ends={0: 72}),
    }
    assert taps.topics == {
        CLICKS: TopicEnd(id="one", ends={0: 5}),
        TAPS: TopicEnd(id="one", ends={0: 72}),
    }
    assert ledger.shown(ledger.newest()) == [first, taps, second]
    assert [ledger.newest(hint) for hint in (0, 1, 3, 99)] == [second] * 4
    assert ledger.at(4) is None


def race(ledger: Ledger, batches: list[Batch], newest: Batch | None) -> Iterator[Batch | None]:
    """All of them committed at one moment."""
    together = Barrier(len(batches))

    def run(batch: Batch) -> Batch | None:
        together.wait()
        return ledger.commit(batch, newest)

    with ThreadPoolExecutor(len(batches)) as pool:
        yield from pool.map(run, batches)


@pytest.mark.faults
def test_of_three_writers_at_once_one_commits_the_range_and_the_others_nothing(
    ledger: Ledger,
) -> None:
    newest = None
    for number in range(1, 5):
        writers = [staged(ledger, f"{writer}-{number}", number - 1, number) for writer in "abc"]
        (newest,) = [batch for batch in race(ledger, writers, newest) if batch]
        assert newest.number == number
        assert ledger.newest() == newest
        assert ledger.numbers() == set(range(1, number + 1))


def test_writers_of_other_topics_at_once_take_the_next_numbers_and_lose_nothing(
    ledger: Ledger,
) -> None:
    topics = ["a", "b", "c"]
    won = list(race(ledger, [staged(ledger, topic, 10, 20, topic=topic) for topic in topics], None))
    assert {(batch.number, batch.folder) for batch in won if batch} == set(
        zip(
            sorted(ledger.numbers()), [b.folder for b in ledger.shown(ledger.newest())], strict=True
        )
    )
    assert ledger.numbers() == {1, 2, 3}
    newest = ledger.newest()
    assert newest
    assert newest.topics == {topic: TopicEnd(id="one", ends={0: 20}) for topic in topics}


def test_a_batch_is_void_when_its_topic_moved_on_or_is_another_one(ledger: Ledger) -> None:
    before = commit(ledger, "a", 0, 5)
    late, ahead, recreated = (
        staged(ledger, "b", 5, 9),
        staged(ledger, "c", 6, 9),
        staged(ledger, "d", 8, 12, topic_id="two"),
    )
    newest = commit(ledger, "e", 5, 8)
    assert [ledger.commit(batch, before) for batch in (late, ahead, recreated)] == [None] * 3
    assert [ledger.commit(batch, newest) for batch in (late, ahead, recreated)] == [None] * 3
    assert ledger.numbers() == {1, 2}


def test_a_partition_that_a_batch_does_not_name_stays_where_it_was(ledger: Ledger) -> None:
    commit(ledger, "a", 0, 5)
    batch = ledger.commit(staged(ledger, "b", 0, 3, partition=1), ledger.newest())
    assert batch
    assert batch.ends == {0: 5, 1: 3}


def test_a_writer_that_knows_an_old_commit_goes_on_after_those_of_other_topics(
    ledger: Ledger,
) -> None:
    before = commit(ledger, "a", 0, 5)
    mine = staged(ledger, "b", 5, 9)
    for number in range(3):
        commit(ledger, f"taps-{number}", number, number + 1, topic=TAPS)
    batch = ledger.commit(mine, before)
    assert batch
    assert (batch.number, batch.previous, batch.topics[TAPS].ends) == (5, "taps-2", {0: 3})
    assert read_batch(ledger.lake, "b") == batch


@pytest.mark.parametrize(
    ("knows", "retired"), [(0, [1]), (0, [1, 2, 3]), (1, [1, 2]), (1, [1, 2, 3])]
)
def test_a_writer_that_slept_past_retention_takes_its_batch_back(
    ledger: Ledger, knows: int, retired: list[int]
) -> None:
    """Its number is free again, so it gets it, and then sees that what it followed is gone."""
    before = commit(ledger, "a", 0, 5) if knows else None
    slept = staged(ledger, "slept", 5 * knows, 5 * knows + 5)
    for number in range(knows, 4):
        commit(ledger, f"other-{number}", 5 * number, 5 * number + 5)
    ledger.retire(retired)
    assert ledger.commit(slept, before) is None
    assert ledger.numbers() == {1, 2, 3, 4} - set(retired)
    assert ledger.newest() == ledger.at(4)


def test_what_points_elsewhere_is_named_and_left_as_it_is(ledger: Ledger) -> None:
    commit(ledger, "a", 0, 5)
    ledger.pointers.claim("000000000002", "file:///somewhere/else")
    looks: list[Callable[[], object]] = [
        ledger.newest,
        lambda: ledger.commit(staged(ledger, "b", 5, 9), ledger.at(1)),
    ]
    for look in looks:
        with pytest.raises(
            ForeignBatch,
            match=(
                r"batch 2 points to file:///somewhere/else, which is not a batch folder in"
                rf" {ledger.lake.root}; the partition was not changed"
            ),
        ):
            look()
    assert ledger.pointers.location("000000000002") == "file:///somewhere/else"


@pytest.mark.parametrize("damage", [None, b"{"])
def test_a_commit_whose_manifest_is_gone_or_damaged_is_named_and_nothing_goes_on(
    ledger: Ledger, damage: bytes | None
) -> None:
    first, second = commit(ledger, "a", 0, 5), commit(ledger, "b", 5, 9)
    looks: dict[str, Callable[[], object]] = {"b": ledger.newest, "a": lambda: ledger.shown(second)}
    for folder, look in looks.items():
        path = f"{batch_path(folder)}/{MANIFEST}"
        kept = ledger.lake.read(path)
        ledger.lake.files.delete_file(path) if damage is None else ledger.lake.write(path, damage)
        with pytest.raises(
            ForeignBatch,
            match=(
                "the manifest of (batch 2|the batch before 2) is missing or unreadable.* copy"
                f" clickstream_batches/{folder}/_manifest.json from a backup"
            ),
        ):
            look()
        ledger.lake.write(path, kept)
    assert ledger.shown(ledger.newest()) == [first, second]


def test_declaring_the_tables_again_changes_nothing(ledger: Ledger) -> None:
    commit(ledger, "a", 0, 5)
    ledger.create()
    assert ledger.numbers() == {1}
