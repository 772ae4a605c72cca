"""Texts so long that a window of them would outgrow what PostgreSQL can pack."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.daily.days import import_days
from cab_assets.daily.import_day import ImportedDay
from cab_assets.declarations import Column
from cab_assets.environment import Environment
from cab_assets.sources import copied, packed, windows
from cab_assets.sources.failures import BookingsDbRefused
from cab_assets.store import writer
from cab_assets.store.draft import PART
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.rides import ride
from cab_assets_tests.sources.source import DAY, Source, rows, source
from cab_assets_tests.versions import bookings_days

LENGTHS = [packed.LONG - 1, packed.LONG, packed.LONG + 1, 0, 300_000]
EACH, COUNT = 1_000_000, 1_100  # 1.1 GB of one column, in one window


@pytest.fixture
def table(stack: Environment) -> Iterator[Source]:
    with source(stack) as made:
        made.sql("ALTER TABLE {table} ALTER cab_color TYPE text")
        made.insert(ride("OTHER", f"{DAY + timedelta(1)} 10:00:00"))
        yield made


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the largest value that the server packs."""
    sizes, whole = [0], packed.unpacked

    def noted(columns: Sequence[Column], rows: int, values: Iterator[Any]) -> pa.RecordBatch:
        sent = list(values)
        sizes[0] = max(sizes[0], *(len(each) for each in sent if isinstance(each, bytes)))
        return whole(columns, rows, iter(sent))

    monkeypatch.setattr(windows, "unpacked", noted)
    return sizes


@pytest.mark.parametrize("declared", ["text", "character varying", "character varying(400000)"])
def test_texts_of_any_length_arrive_whole_and_are_packed_while_short(
    table: Source, largest: list[int], declared: str
) -> None:
    table.sql(f"ALTER TABLE {{table}} ALTER cab_color TYPE {declared}")
    texts = ["é" * (length // 2) + "x" * (length % 2) for length in LENGTHS]
    table.insert(
        *(
            ride(f"BK{number}", f"{DAY} 10:00:{number:02}", cab_color=text)
            for number, text in enumerate(texts)
        )
    )
    assert rows(table.reader)["cab_color"].to_pylist() == texts
    assert largest[0] < 2 * packed.LONG * len(texts) + 1_000


def long_texts(table: Source, count: int, each: int) -> None:
    names = ", ".join(BOOKINGS.names)
    values = {
        "booking_id": "'BK' || n",
        "cab_color": f"repeat('long ', {each // 5})",
        "pickup_timestamp": f"timestamp '{DAY} 10:00:00' + n * interval '1 ms'",
    }
    selected = ", ".join(values.get(name, name) for name in BOOKINGS.names)
    table.sql(
        f"INSERT INTO {{table}} ({names}) SELECT {selected} FROM {{table}}, generate_series(1,"
        f" {count}) AS n WHERE booking_id = 'OTHER'"
    )


def test_long_texts_are_read_and_written_in_portions_of_so_many_bytes(
    table: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copied, "MOST_BYTES", 100_000)
    monkeypatch.setattr(writer, "ROW_GROUP_BYTES", 300_000)
    long_texts(table, 100, 50_000)
    with table.reader.day(DAY) as day:
        assert [each.rows.num_rows for each in day.slices()] == [2] * 50
    lake = Lake(f"file://{tmp_path}")
    ((_, imported),) = import_days(
        table.reader, bookings_days(lake, [str(DAY)]), "run", at_once=1, say=print
    )
    assert isinstance(imported, ImportedDay), imported
    file = pq.ParquetFile(tmp_path / imported.path / PART)
    assert [file.metadata.row_group(number).num_rows for number in range(2)] == [6, 6]


def test_a_day_that_outgrows_the_servers_memory_is_no_other_days_error(
    table: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "LONG", 10_000_000)  # as if texts were not cut
    long_texts(table, COUNT, EACH)
    days = [str(DAY), str(DAY + timedelta(1))]
    found = dict(
        import_days(
            table.reader,
            bookings_days(Lake(f"file://{tmp_path}"), days),
            "run",
            at_once=1,
            say=print,
        )
    )
    assert isinstance(found[days[0]], BookingsDbRefused), found
    assert "out of memory" in str(found[days[0]])
    assert isinstance(found[days[1]], ImportedDay), found
