import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cab_assets.clickstream.audit import BatchUnaccounted, FirstDelivered, read_back
from cab_assets.clickstream.batch import BatchContents, BatchFile, LastRecord, Range, batch_path
from cab_assets.clients.lake import Lake
from cab_assets.transforms.clickstream import STAGED
from cab_assets.transforms.reasons import TIME_UNUSABLE

FOLDER, TOPIC = "run-0-0", "clicks"
ARRIVED = datetime(2020, 3, 14, 10, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / batch_path(FOLDER)).mkdir(parents=True)
    return Lake(f"file://{tmp_path}")


def record(partition: int, offset: int, **other: Any) -> Record:
    when = datetime(2020, 3, 14, 9, 59, 7)  # noqa: DTZ001  wall clock
    place = {
        "topic": TOPIC,
        "kafka_partition": partition,
        "kafka_offset": offset,
        "kafka_timestamp": ARRIVED,
    }
    return {
        **place,
        "event_timestamp": when,
        "event_date": "2020-03-14",
        "lat": 1.5,
        "lon": -2.0,
        "extra_keys": 0,
        **other,
    }


def refused(partition: int, offset: int, *reasons: str, **other: Any) -> Record:
    return record(partition, offset, reasons=list(reasons), **other) | {
        "event_timestamp": None,
        "event_date": None,
        "lat": None,
        "lon": None,
    }


def stage(lake: Lake, *files: list[Record]) -> None:
    for number, records in enumerate(files):
        pq.write_table(
            pa.Table.from_pylist(records, STAGED.arrow_schema),
            f"{batch_path(FOLDER)}/{number}.parquet",
            filesystem=lake.files,
        )


def delivers(*places: tuple[int, int]) -> FirstDelivered:
    """A broker that holds these records alone."""
    return lambda partition, stretches: min(
        (
            each
            for where, each in places
            if where == partition and any(start <= each < end for start, end in stretches)
        ),
        default=None,
    )


def audited(
    lake: Lake,
    *ranges: tuple[int, int, int],
    first_delivered: FirstDelivered = delivers(),  # noqa: B008
) -> BatchContents:
    return read_back(
        lake,
        FOLDER,
        TOPIC,
        [Range(partition=partition, start=start, end=end) for partition, start, end in ranges],
        first_delivered,
    )


def test_a_batch_says_what_it_holds(lake: Lake) -> None:
    late = datetime(2020, 3, 15, 0, 0, 0, 250)  # noqa: DTZ001
    stage(
        lake,
        [
            record(0, 5, lat=None, lon=None),
            record(0, 6, event_timestamp=late, event_date="2020-03-15", lon=None, extra_keys=2),
        ],
        [
            refused(1, 0, "lat_unusable", "page_id_missing", extra_keys=1),
            refused(1, 1, "lat_unusable", kafka_timestamp=datetime(1970, 1, 1, tzinfo=UTC)),
        ],
    )
    found = audited(lake, (0, 5, 7), (1, 0, 2), (2, 9, 9))
    assert found == BatchContents(
        files=tuple(
            BatchFile(name=f"{number}.parquet", bytes=found.files[number].bytes, rows=2)
            for number in range(2)
        ),
        accepted=2,
        rejected=2,
        reasons={"lat_unusable": 2, "page_id_missing": 1},
        without_position=2,
        extra_keys=3,
        event_dates={"2020-03-14": 1, "2020-03-15": 1},
        ingest_dates={"1970-01-01": 1, "2020-03-14": 1},
        first_event="2020-03-14 09:59:07.000000",
        last_event="2020-03-15 00:00:00.000250",
        last_arrival="2020-03-14 10:00:00.000000",
        last_records={
            0: LastRecord(offset=6, timestamp=1_584_180_000_000),
            1: LastRecord(offset=1, timestamp=0),
        },
    )
    assert [each.bytes for each in found.files] == [
        lake.files.get_file_info(f"{batch_path(FOLDER)}/{number}.parquet").size
        for number in range(2)
    ]


def test_the_time_of_a_last_record_does_not_depend_on_how_spark_writes_times(lake: Lake) -> None:
    rows = pa.Table.from_pylist([record(0, 6)], STAGED.arrow_schema)
    path = f"{batch_path(FOLDER)}/0.parquet"
    pq.write_table(rows, path, filesystem=lake.files, use_deprecated_int96_timestamps=True)
    found = audited(lake, (0, 6, 7)).last_records
    assert found == {0: LastRecord(offset=6, timestamp=1_584_180_000_000)}


def test_a_last_record_whose_time_was_replaced_when_it_was_read_is_not_remembered(
    lake: Lake,
) -> None:
    stage(lake, [record(0, 6), record(0, 5)], [refused(1, 0, TIME_UNUSABLE), record(2, 3)])
    found = audited(lake, (0, 5, 7), (1, 0, 1), (2, 3, 4)).last_records
    assert {partition: last.offset for partition, last in found.items()} == {0: 6, 2: 3}


# As many as there should be
@pytest.mark.parametrize(
    ("records", "problem"),
    [
        (
            [record(0, 5), record(0, 6), record(0, 6)],
            "contains a duplicate record, or one outside its offset range (partition 0: 5 to 6)",
        ),
        (
            [record(0, 5), record(0, 5)],
            "contains a duplicate record, or one outside its offset range (partition 0: 5 to 6)",
        ),
        (
            [record(0, 5), record(0, 6), record(0, 7)],
            "contains a duplicate record, or one outside its offset range (partition 0: 5 to 6)",
        ),
        (
            [record(0, 4), record(0, 6)],
            "contains a duplicate record, or one outside its offset range (partition 0: 5 to 6)",
        ),
        (
            [record(0, 5), record(0, 6), record(1, 5)],
            "contains 3 records, some of them outside its offset ranges",
        ),
        (
            [record(0, 5), record(0, 6), record(0, 6, topic="another")],
            "contains 3 records, some of them outside its offset ranges",
        ),
    ],
)
def test_a_batch_that_holds_another_record_or_one_twice_is_refused(
    lake: Lake, records: list[Record], problem: str
) -> None:
    stage(lake, records)
    with pytest.raises(BatchUnaccounted, match=f"{FOLDER} {re.escape(problem)}; run again"):
        audited(lake, (0, 5, 7))


def test_a_record_that_is_in_two_files_is_there_twice(lake: Lake) -> None:
    stage(lake, [record(0, 5)], [record(0, 5)])
    with pytest.raises(BatchUnaccounted, match="contains a duplicate record"):
        audited(lake, (0, 5, 6))


@pytest.mark.parametrize("missing", [5, 6, 8])
def test_a_batch_that_lacks_a_record_that_kafka_delivers_is_refused_by_its_offset(
    lake: Lake, missing: int
) -> None:
    stage(lake, [record(0, offset) for offset in range(5, 9) if offset != missing])
    with pytest.raises(
        BatchUnaccounted,
        match=rf"lacks offset {missing} \(partition 0: 5 to 8\), which Kafka delivers; run again",
    ):
        audited(lake, (0, 5, 9), first_delivered=delivers(*[(0, offset) for offset in range(20)]))


def test_a_record_in_the_middle_of_a_hole_is_missed_too(lake: Lake) -> None:
    stage(lake, [record(0, 5), record(0, 9)])
    with pytest.raises(BatchUnaccounted, match=r"lacks offset 7 \(partition 0: 5 to 9\)"):
        audited(lake, (0, 5, 10), first_delivered=delivers((0, 5), (0, 7), (0, 9)))


def test_offsets_that_kafka_does_not_deliver_are_accounted_for_by_their_stretches(
    lake: Lake,
) -> None:
    stage(lake, [record(0, 6), record(0, 9), record(1, 0)])
    found = audited(
        lake,
        (0, 5, 12),
        (1, 0, 1),
        (2, 3, 5),
        first_delivered=delivers((0, 6), (0, 9), (1, 0), (0, 12), (2, 5)),
    )
    stretches = [(0, 5, 6), (0, 7, 9), (0, 10, 12), (2, 3, 5)]
    assert found.undelivered == tuple(
        Range(partition=partition, start=start, end=end) for partition, start, end in stretches
    )
    assert found.accepted == 3


def test_a_batch_without_a_record_is_one_when_kafka_delivers_none(lake: Lake) -> None:
    stage(lake, [])
    found = audited(lake, (0, 5, 7))
    assert found.undelivered == (Range(partition=0, start=5, end=7),)
    assert (found.accepted, found.rejected, found.event_dates) == (0, 0, {})
    with pytest.raises(BatchUnaccounted, match=r"lacks offset 6 \(partition 0: 5 to 6\)"):
        audited(lake, (0, 5, 7), first_delivered=delivers((0, 6)))


def test_a_folder_without_a_file_is_no_batch_though_kafka_delivers_none(lake: Lake) -> None:
    with pytest.raises(BatchUnaccounted, match=f"{FOLDER} contains no files"):
        audited(lake, (0, 5, 7))
