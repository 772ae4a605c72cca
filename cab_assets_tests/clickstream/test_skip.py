from cab_assets.clickstream.batch import Range
from cab_assets.clickstream.skip import unreadable

GOOD, BAD = 1_584_180_000_000, 1_584_180_000_000_000_000


def stretch(start: int, end: int) -> Range:
    return Range(partition=3, start=start, end=end)


def test_records_that_spark_cannot_read_are_stretches_between_those_that_it_can() -> None:
    times = {4: GOOD, 5: BAD, 6: -BAD, 9: BAD, 10: GOOD, 11: BAD}  # 7 and 8 are never delivered
    assert unreadable(3, times.items()) == [stretch(5, 10), stretch(11, 12)]
    assert unreadable(3, {4: GOOD}.items()) == unreadable(3, ()) == []
