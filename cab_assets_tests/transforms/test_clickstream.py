import gc
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES, EVENT, PLACE, POSITION
from cab_assets.transforms.clickstream import Reader, read_clicks
from cab_assets_tests.transforms.test_click_json import mutated

OF_KAFKA = (
    "key binary, value binary, topic string, partition int, offset bigint, timestamp timestamp,"
    " timestampType int"
)
READ = f"{CLICKSTREAM_BATCHES.ddl}, extra_keys int"
EVENT_NAMES = [column.name for column in EVENT]
NEEDED = [name for name in EVENT_NAMES if name not in POSITION]
UNUSABLE = ["kafka_timestamp_unusable"]
# Of the calendar, in microseconds
FIRST, LAST = -62_135_596_800 * 10**6, 253_402_300_800 * 10**6 - 1
ARRIVED = datetime(2020, 9, 14, 4, 30, tzinfo=UTC)  # 10:00 in Kolkata


def moment(text: str) -> datetime:
    """Of the wall clock, so without a zone."""
    return datetime.fromisoformat(text)


CLICK = {
    "customer_id": '"42"',
    "app_version": '"2.4.18"',
    "OS_version": '"iOS"',
    "lat": '"12.9715987"',
    "lon": '"77.594566"',
    "page_id": '"e7bc5fb2"',
    "button_id": '"fcba68aa"',
    "is_button_click": '"No"',
    "is_page_view": '"Yes"',
    "is_scroll_up": '"No"',
    "is_scroll_down": '"Yes"',
    r"timestamp\n": r'"2020-09-14 09:59:07\n"',
}
EVENT_OF_CLICK = (
    42,
    "2.4.18",
    "iOS",
    12.9715987,
    77.594566,
    "e7bc5fb2",
    "fcba68aa",
    False,
    True,
    False,
    True,
    moment("2020-09-14 09:59:07"),
)


def click(changes: Mapping[str, str] | None = None, *, tail: str = "}") -> bytes:
    """The click above as JSON text.

    In `changes` are JSON texts by key, to replace or follow those above, nothing to leave one out.
    """
    members = CLICK | dict(changes or {})
    return (
        "{" + ", ".join(f'"{key}": {text}' for key, text in members.items() if text) + tail
    ).encode()


def at(text: str) -> bytes:
    return click({r"timestamp\n": f'"{text}"'})


def missing(*names: str) -> list[str]:
    return [f"{name}_missing" for name in names]


CLEANER = click(
    {
        "OS_version": "",
        "os_version": '"Android"',
        r"timestamp\n": "",
        "timestamp": '"2020-09-14T09:59:07"',
    }
)
LONG = "x" * 1_000_000
FLAGS = [key for key in CLICK if key.startswith("is_")]
ACCEPTED: list[tuple[bytes, dict[str, Any]]] = [
    (click(), {}),
    (click().replace(b": ", b":").replace(b", ", b","), {}),
    (b" \r\n\t" + click() + b"\n", {}),
    (json.dumps(dict(reversed(json.loads(click()).items())), indent=2).encode(), {}),
    (CLEANER, {"os_version": "Android"}),
    # whole numbers
    (click({"customer_id": "42"}), {}),
    (click({"customer_id": r'" 42\n"'}), {}),
    (click({"customer_id": '"0"'}), {"customer_id": 0}),
    (click({"customer_id": '"9223372036854775807"'}), {"customer_id": 2**63 - 1}),
    # degrees
    (click({"lat": "12.5", "lon": "-7e1"}), {"lat": 12.5, "lon": -70.0}),
    (click({"lat": r'"\t-90.0 "', "lon": '"+180"'}), {"lat": -90.0, "lon": 180.0}),
    (click({"lat": '"-.5"', "lon": '"7."'}), {"lat": -0.5, "lon": 7.0}),
    # flags
    (
        click({"is_page_view": "false", "is_scroll_up": "true"}),
        {"is_page_view": False, "is_scroll_up": True},
    ),
    (
        click({"is_page_view": r'"No\n"', "is_scroll_up": '" Yes"'}),
        {"is_page_view": False, "is_scroll_up": True},
    ),
    # texts, kept as they are
    (click({"page_id": r'" \"a\" \\ \/ \n\t "'}), {"page_id": ' "a" \\ / \n\t '}),
    (click({"page_id": '"é 𝄞 \ufffd ?"'}), {"page_id": "é 𝄞 \ufffd ?"}),
    (click({"page_id": r'"\u00e9 \ud834\udd1e ?"'}), {"page_id": "é 𝄞 ?"}),
    (click({"page_id": r'"\\ud834?"'}), {"page_id": r"\ud834?"}),
    (click({"page_id": r'"\\u0000 \u0001"'}), {"page_id": "\\u0000 \x01"}),
    (
        click({"page_id": '"{e7bc5fb2}"', "button_id": '"[1]"'}),
        {"page_id": "{e7bc5fb2}", "button_id": "[1]"},
    ),
    (
        click({"app_version": '"3.0"', "page_id": '"true"', "button_id": '"-1"'}),
        {"app_version": "3.0", "page_id": "true", "button_id": "-1"},
    ),
    (click({"OS_version": "", "os_version": '"14"'}), {"os_version": "14"}),
    (click({"button_id": f'"{LONG}"'}), {"button_id": LONG}),
    # times
    (at("2020-02-29 23:59:59.123456"), {"event_timestamp": moment("2020-02-29 23:59:59.123456")}),
    (at("2020-09-14T09:59:07.5"), {"event_timestamp": moment("2020-09-14 09:59:07.5")}),
    (at("2020-01-01 00:00:00"), {"event_timestamp": moment("2020-01-01 00:00:00")}),
    (at("2020-09-15 10:00:00"), {"event_timestamp": moment("2020-09-15 10:00:00")}),
    (at("2020-09-14T04:29:07.123Z"), {"event_timestamp": moment("2020-09-14 09:59:07.123")}),
    (
        at("2020-09-14T04:29:07.1234567+00:00"),
        {"event_timestamp": moment("2020-09-14 09:59:07.123456")},
    ),
    (at("2020-09-14 04:29:07Z"), {}),
    (at("2020-09-14T09:59:07+05:30"), {}),
    (at("2020-09-14T09:59:07+0530"), {}),
    (at("2020-09-13T18:29:07.000-10"), {}),
    (at("2019-12-31T18:30:00Z"), {"event_timestamp": moment("2020-01-01 00:00:00")}),
    (at("1600057747"), {}),
    (at(r" 1600057747123\n"), {"event_timestamp": moment("2020-09-14 09:59:07.123")}),
    (click({r"timestamp\n": "1600057747"}), {}),
    (click({r"timestamp\n": "1600057747000"}), {}),
    # a byte order mark
    (b"\xef\xbb\xbf" + click(), {}),
    (b"\xef\xbb\xbf" + click({"customer_id": "42"}), {}),
    # without a position, or with half of one
    *[
        (click({"lat": text, "lon": text}), {"lat": None, "lon": None})
        for text in ("", "null", '""', r'" \n"')
    ],
    (click({"lat": "", "lon": "-7e1"}), {"lat": None, "lon": -70.0}),
    (click({"lat": "", "LAT": '"1"'}), {"lat": None, "extra_keys": 1}),
    # flags
    *[
        (
            click(
                dict(zip(FLAGS, (f'"{no}"', f'"{yes}"', no_bare, f'"{yes.upper()}"'), strict=True))
            ),
            {"is_scroll_down": True},
        )
        for no, yes, no_bare in (
            ("n", "Y", "0"),
            ("nO", "yEs", "false"),
            ("0", "1", '"FALSE"'),
            ("False", "True", '" n"'),
        )
    ],
    (click({"is_page_view": "1", "is_scroll_up": "0"}), {}),
    # keys that are none of ours
    (click({"session": '"s"', "Lat": "0", "": "null"}), {"extra_keys": 3}),
    (click({"meta": '{"lat": "1", "lat": ["}", {}], "page_id": null}'}), {"extra_keys": 1}),
    (click(tail=', "a": 1, "a": 2}'), {"extra_keys": 2}),
]
NO_MOMENTS = (
    *(
        "2020-02-30 10:00:00",
        "2020-09-14 24:00:00",
        "2020-09-14 09:59:60",
        "2020-09-14",
        "2020-09-14 09:59",
        "2020-9-14 09:59:07",
    ),
    *(
        "2020-09-14 09:59:07.1234567890",
        "2020-09-14T09:59:07.Z",
        "2020-09-14 09:59:07+30:00",
        "2020-09-14 09:59:07 Z",
        "+12020-09-14 09:59:07",
    ),
    *(
        "2020-09-14T09:59:07+05:60",
        "2020-09-14T09:59:07+5",
        "2020-02-30T10:00:00Z",
        "160007754",
        "16000775470",
        "-160007754",
        "yesterday",
    ),
)
REFUSED: list[tuple[bytes | None, list[str] | str, int]] = [
    (None, "value_is_null", 0),
    # not UTF-8
    (click({"page_id": '"#"'}).replace(b"#", b"\xff"), "not_utf8", 0),
    (click({"page_id": '"#"'}).replace(b"#", b"\xed\xa0\x80"), "not_utf8", 0),
    (click({"more": '"#"'}).replace(b"#", b"\xc3"), "not_utf8", 0),
    (b"\xff\xfe", "not_utf8", 0),
    (click({"page_id": r'"\ud834"'}), "not_utf8", 0),
    (click({"page_id": r'"\\\udd1e\ud834"'}), "not_utf8", 0),
    # not JSON
    (b"", "not_json", 0),
    (b" ", "not_json", 0),
    (bytes(64), "not_json", 0),
    (b"customer_id=42", "not_json", 0),
    (click(tail=""), "not_json", 0),
    (click(tail=",}"), "not_json", 0),
    (click(tail="} x"), "not_json", 0),
    (click(tail="}}"), "not_json", 0),
    (click(tail='} "}'), "not_json", 0),
    (click() + click(), "not_json", 0),
    (click() + b"," + click(), "not_json", 0),
    (click() + b"] x", "not_json", 0),
    (b"{} {}", "not_json", 0),
    (b"1 2", "not_json", 0),
    (b"nul", "not_json", 0),
    (click().replace(b'"', b"'"), "not_json", 0),
    (click({"lat": "012"}), "not_json", 0),
    (click({"lat": "NaN"}), "not_json", 0),
    (click({"page_id": '"\n"'}), "not_json", 0),
    (click({"page_id": '"\0"'}), "not_json", 0),
    (click({"page_id": r'"\x"'}), "not_json", 0),
    (click({"deep": "[" * 5000 + "]" * 5000}), "not_json", 0),
    (b"\xef\xbb\xbf", "not_json", 0),
    (b"\xef\xbb\xbf" * 2 + click(), "not_json", 0),
    # not an object
    (b"null", "not_an_object", 0),
    (b"42", "not_an_object", 0),
    (b"true", "not_an_object", 0),
    (b'"{}"', "not_an_object", 0),
    (b"[]", "not_an_object", 0),
    (b"[" + click() + b"]", "not_an_object", 0),
    # missing
    (b"{}", missing(*NEEDED), 0),
    (b'{"click": ' + click() + b"}", missing(*NEEDED), 1),
    *[
        (click({key: ""}), missing(name), 0)
        for key, name in zip(CLICK, EVENT_NAMES, strict=True)
        if name in NEEDED
    ],
    # twice
    *[
        (click(tail=f', "{key}": {text}}}'), f"{name}_twice", 0)
        for (key, text), name in zip(CLICK.items(), EVENT_NAMES, strict=True)
    ],
    (click({"os_version": '"iOS"'}), "os_version_twice", 0),
    (click({"os_version": "null"}), "os_version_twice", 0),
    (click({"timestamp": '"1970-01-01 00:00:00"'}), "event_timestamp_twice", 0),
    (click({r"l\u0061t": '"1"'}), "lat_twice", 0),
    (click({"page_id": ""}, tail=', "lat": null}'), ["lat_twice", "page_id_missing"], 0),
    # null, and of no type that can be used
    *[
        (click({key: text}), f"{name}_unusable", 0)
        for key, name in zip(CLICK, EVENT_NAMES, strict=True)
        for text in ("null", '""', '{"a": 1}', "[]", '["Yes"]')
        if name in NEEDED or text[0] in "[{"
    ],
    *[
        (click({key: text}), f"{key}_unusable", 0)
        for key in ("app_version", "page_id", "button_id")
        for text in ("2", "-1.5e3", "2.40", "1e400", "true")
    ],
    (click({"OS_version": "", "os_version": "14"}), "os_version_unusable", 0),
    (click({"page_id": r'"a\u0000b"'}), "page_id_unusable", 0),
    *[
        (click({"customer_id": f'"{text}"'}), "customer_id_unusable", 0)
        for text in ("-1", "1.0", "1e3", "1_0", "9223372036854775808", "٤٢", "4 2", " ")
    ],
    (click({"customer_id": "1.0"}), "customer_id_unusable", 0),
    *[
        (click({"lat": f'"{text}"'}), "lat_unusable", 0)
        for text in (
            "90.0000001",
            "-91",
            "NaN",
            "Infinity",
            "1e400",
            "1f",
            "0x1p3",
            "1,5",
            "1_0",
            ".",
            "1.2.3",
            "null",
            "none",
        )
    ],
    (click({"lat": "1e400"}), "lat_unusable", 0),
    (click({"lon": '"-180.1"'}), "lon_unusable", 0),
    (click({"lon": "true"}), "lon_unusable", 0),
    *[
        (click({"is_page_view": text}), "is_page_view_unusable", 0)
        for text in ('"Maybe"', '"Y es"', '"2"', "2", "-1", "1.0", '"t"', '"on"')
    ],
    # times
    *[(at(text), "event_timestamp_unusable", 0) for text in NO_MOMENTS],
    (at("2019-12-31 23:59:59.999999"), "event_before_start", 0),
    (at("0000-12-31 23:59:59"), "event_timestamp_unusable", 0),
    (at("0000-01-01T00:00:00Z"), "event_timestamp_unusable", 0),
    (at("0001-01-01 00:00:00"), "event_before_start", 0),
    (at("2019-12-31T18:29:59.999999Z"), "event_before_start", 0),
    (at("0000000000"), "event_before_start", 0),
    (at("9999999999999"), "event_in_future", 0),
    (at("2020-09-15T04:30:00.000001Z"), "event_in_future", 0),
    (at("2020-09-15 10:00:00.000001"), "event_in_future", 0),
    (at("9999-12-31 23:59:59"), "event_in_future", 0),
    # several at once
    (
        click(
            {
                "customer_id": '"x"',
                "page_id": "",
                "lon": "[]",
                r"timestamp\n": '"1970-01-01 00:00:00"',
                "more": "1",
            },
            tail=', "lat": "1"}',
        ),
        [
            "customer_id_unusable",
            "lat_twice",
            "lon_unusable",
            "page_id_missing",
            "event_before_start",
        ],
        1,
    ),
]


@pytest.fixture(scope="module")
def session(stack: Environment) -> Iterator[SparkSession]:
    with Spark(stack.spark_remote, None).session() as session:
        yield session


def records(
    session: SparkSession, values: list[bytes | None], arrived: datetime = ARRIVED
) -> DataFrame:
    """As they come from Kafka, at offsets from 0 on."""
    return session.createDataFrame(
        [
            (b"k", value, "clickstream", 3, offset, arrived, 0)
            for offset, value in enumerate(values)
        ],
        OF_KAFKA,
    )


def event(offset: int, changes: Mapping[str, Any]) -> tuple[object, ...]:
    fields = dict(zip(EVENT_NAMES, EVENT_OF_CLICK, strict=True)) | dict(changes)
    day = str(fields["event_timestamp"])[:10]
    return (
        *[fields[name] for name in EVENT_NAMES],
        day,
        "clickstream",
        3,
        offset,
        ARRIVED,
        None,
        None,
        fields.get("extra_keys", 0),
    )


def refusal(
    offset: int, value: bytes | None, reasons: list[str] | str, extra_keys: int
) -> tuple[object, ...]:
    return (
        *[None] * 13,
        "clickstream",
        3,
        offset,
        ARRIVED,
        value,
        [reasons] if isinstance(reasons, str) else reasons,
        extra_keys,
    )


def test_a_click_is_read_in_whatever_way_it_was_written(session: SparkSession) -> None:
    expected = [event(offset, changes) for offset, (_, changes) in enumerate(ACCEPTED)]
    read = read_clicks(
        records(session, [value for value, _ in ACCEPTED]),
        start_date=date(2020, 1, 1),
        zone="Asia/Kolkata",
    )
    assertDataFrameEqual(read, session.createDataFrame(expected, READ), checkRowOrder=True)


def test_what_is_no_click_is_refused_whole_with_every_reason(session: SparkSession) -> None:
    expected = [refusal(offset, *case) for offset, case in enumerate(REFUSED)]
    read = read_clicks(
        records(session, [value for value, _, _ in REFUSED]),
        start_date=date(2020, 1, 1),
        zone="Asia/Kolkata",
    )
    assertDataFrameEqual(read, session.createDataFrame(expected, READ), checkRowOrder=True)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2020-03-29T00:59:59Z", "2020-03-29 01:59:59"),
        ("2020-03-29T01:00:00Z", "2020-03-29 03:00:00"),
        ("2020-10-25T00:30:00Z", "2020-10-25 02:30:00"),
        ("2020-10-25T01:30:00Z", "2020-10-25 02:30:00"),
        ("1603589400", "2020-10-25 02:30:00"),
        ("2020-10-24T20:30:00.5-0400", "2020-10-25 02:30:00.5"),
    ],
)
def test_an_instant_becomes_the_wall_clock_of_the_zone_across_clock_changes(
    sent: str, shown: str
) -> None:
    arrived = datetime(2021, 1, 1, tzinfo=UTC)
    read = Reader(date(2020, 1, 1), "Europe/Berlin").read(by_arrow([at(sent)], arrived))
    assert read["event_timestamp"].to_pylist() == [moment(shown)]


@pytest.mark.parametrize(
    ("zone", "latest", "too_late"),
    [
        ("Asia/Kolkata", "2020-09-15 10:00:00", "2020-09-15 10:00:01"),
        ("UTC", "2020-09-15 04:30:00", "2020-09-15 04:30:01"),
        ("America/New_York", "2020-09-15 00:30:00", "2020-09-15 00:30:01"),
    ],
)
def test_a_click_may_be_a_day_ahead_on_the_clock_of_its_zone(
    session: SparkSession, zone: str, latest: str, too_late: str
) -> None:
    read = read_clicks(
        records(session, [at(latest), at(too_late)]), start_date=date(2020, 1, 1), zone=zone
    )
    expected = session.createDataFrame(
        [(0, None), (1, ["event_in_future"])], "kafka_offset bigint, reasons array<string>"
    )
    assertDataFrameEqual(read.select("kafka_offset", "reasons"), expected)


def test_a_stream_is_read_as_a_batch_is(session: SparkSession, tmp_path: Path) -> None:
    batch = records(
        session, [*[value for value, _ in ACCEPTED], *[value for value, _, _ in REFUSED]]
    )
    batch.write.parquet(f"{tmp_path}/records")
    stream = read_clicks(
        session.readStream.schema(OF_KAFKA).parquet(f"{tmp_path}/records"),
        start_date=date(2020, 1, 1),
        zone="UTC",
    )
    query = (
        stream.writeStream.option("checkpointLocation", f"{tmp_path}/checkpoint")
        .trigger(availableNow=True)
        .start(f"{tmp_path}/read", "parquet")
    )
    query.awaitTermination()
    assertDataFrameEqual(
        session.read.schema(READ).parquet(f"{tmp_path}/read"),
        read_clicks(batch, start_date=date(2020, 1, 1), zone="UTC"),
    )


def by_arrow(values: list[bytes | None], arrived: int | datetime = ARRIVED) -> pa.RecordBatch:
    """Records as they reach a Python worker."""
    place = {"topic": "clickstream", "kafka_partition": 3, "kafka_timestamp": arrived}
    columns = {
        "value": values,
        **{name: [value] * len(values) for name, value in place.items()},
        "kafka_offset": [0] * len(values),
    }
    return pa.RecordBatch.from_pydict(
        columns,
        schema=pa.schema(
            [("value", pa.binary()), *[(column.name, column.arrow_type) for column in PLACE]]
        ),
    )


def test_a_record_is_read_alike_whatever_is_beside_it() -> None:
    reader = Reader(date(2020, 1, 1), "Asia/Kolkata")
    values = (
        [value for value, _ in ACCEPTED]
        + [value for value, _, _ in REFUSED]
        + list(mutated(3, 3000))
    )
    alone = [reader.read(by_arrow([value])).to_pylist() for value in values]
    assert alone == [[row] for row in reader.read(by_arrow(values)).to_pylist()]


@pytest.mark.parametrize(
    ("arrived", "reasons"),
    [
        (-(2**63), UNUSABLE),
        (FIRST - 1, UNUSABLE),
        (-1, UNUSABLE),
        (LAST, None),
        (LAST + 1, UNUSABLE),
        (2**63 - 1, UNUSABLE),
    ],
)
def test_a_time_of_kafka_that_no_calendar_has_is_unusable(
    arrived: int, reasons: list[str] | None
) -> None:
    began = datetime.now(UTC).timestamp() * 10**6
    read = Reader(date(2020, 1, 1), "America/New_York").read(by_arrow([click()], arrived))
    assert read["reasons"].to_pylist() == [reasons]
    (kept,) = read["kafka_timestamp"].cast(pa.int64()).to_pylist()
    assert began <= kept < LAST if reasons == UNUSABLE else kept == arrived


def test_no_records_are_read_as_none() -> None:
    assert Reader(date(2020, 1, 1), "UTC").read(by_arrow([])).num_rows == 0


def test_a_worker_whose_read_ends_early_collects_garbage_again() -> None:
    read = Reader(date(2020, 1, 1), "UTC").read_all(iter([by_arrow([click()])] * 2))
    next(read)
    assert not gc.isenabled()
    del read
    assert gc.isenabled()
