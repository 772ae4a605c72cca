"""What cannot be used is kept whole, with every reason; what can, as it was written."""

import json
from typing import Any

from cab_assets.tables.clicks import POSITION, REJECTS
from cab_assets_tests.clicks import EVENT, Clicks, Place, event

MEGABYTE = 1_000_000
NAMES = ["customer_id", "app_version", "os_version", "lat", "lon", "page_id", "button_id"]
NAMES += ["is_button_click", "is_page_view", "is_scroll_up", "is_scroll_down", "event_timestamp"]
ODD = "a\"b\\c\n\td\\n'e; --{}"  # quotes, backslashes, newlines


def lacking(*keys: str) -> bytes:
    return json.dumps({key: value for key, value in EVENT.items() if key not in keys}).encode()


def with_member(member: bytes) -> bytes:
    """One more member, as it is written."""
    return event()[:-1] + b", " + member + b"}"


POISON: list[tuple[bytes | None, list[str]]] = [
    (None, ["value_is_null"]),
    (b"", ["not_json"]),
    (b"no JSON", ["not_json"]),
    (event()[:-1], ["not_json"]),
    (event() + event(), ["not_json"]),
    (b"\x00\x00\x00", ["not_json"]),
    (b"x" * MEGABYTE, ["not_json"]),
    (b"null", ["not_an_object"]),
    (b"42", ["not_an_object"]),
    (b"[" + event() + b"]", ["not_an_object"]),
    (event(page_id="caf?").replace(b"?", b"\xe9"), ["not_utf8"]),
    (b"{}", [f"{name}_missing" for name in NAMES if name not in POSITION]),
    (lacking("OS_version", "timestamp\n"), ["os_version_missing", "event_timestamp_missing"]),
    (with_member(b'"lat": "16"'), ["lat_twice"]),
    (with_member(b'"timestamp": "2020-03-14 09:59:07"'), ["event_timestamp_twice"]),
    (event().replace(b'"16.4454865"', b'{"degrees": 16}'), ["lat_unusable"]),
    (event(lat="1e400"), ["lat_unusable"]),
    (event().replace(b'"16.4454865"', b"1e400"), ["lat_unusable"]),
    (event(lat="95"), ["lat_unusable"]),
    (event(page_id="a\x00b"), ["page_id_unusable"]),
    (event(timestamp="2020-02-30 10:00:00"), ["event_timestamp_unusable"]),
    (event(timestamp="1970-01-01 00:00:00"), ["event_before_start"]),
    (event(timestamp="9999-12-31 23:59:59"), ["event_in_future"]),
    (
        event(customer_id=ODD, lat="NaN", is_page_view="perhaps", timestamp=ODD),
        [f"{name}_unusable" for name in ("customer_id", "lat", "is_page_view", "event_timestamp")],
    ),
    (event(lon="-181", timestamp="2019-12-31 23:59:59"), ["lon_unusable", "event_before_start"]),
]
KEPT = ["app_version", "OS_version", "page_id", "button_id"]
# And app_version, os_version, page_id, button_id, is_page_view, lat as they are read
USABLE: list[tuple[bytes, tuple[Any, ...]]] = [
    (event(**dict.fromkeys(KEPT, ODD)), (ODD, ODD, ODD, ODD, True, 16.4454865)),
    (
        event(page_id="x" * MEGABYTE),
        ("3.2.35", "Android", "x" * MEGABYTE, EVENT["button_id"], True, 16.4454865),
    ),
    (
        event(extra="1", more="{}", customer_id="1"),
        ("3.2.35", "Android", EVENT["page_id"], EVENT["button_id"], True, 16.4454865),
    ),
    (
        with_member(b'"nested": {"lat": 5, "list": [1, {"page_id": 2}]}'),
        ("3.2.35", "Android", EVENT["page_id"], EVENT["button_id"], True, 16.4454865),
    ),
    (
        lacking("OS_version", "timestamp\n", "lat", "is_page_view")[:-1]
        + b', "os_version": "iOS", "timestamp": "2020-03-14 09:59:07", "lat": -90,'
        b' "is_page_view": false}',
        ("3.2.35", "iOS", EVENT["page_id"], EVENT["button_id"], False, -90.0),
    ),
]


def quarantine(clicks: Clicks, name: str) -> dict[Place, tuple[bytes | None, str]]:
    """The refused records of a table or view by their place: the bytes they came with, and why they
    were refused.
    """
    rows = clicks.query(
        "SELECT kafka_partition, kafka_offset, hex(raw_value), concat_ws(' ', reasons) FROM"
        f" {{{name}}}"
    )
    assert len({row[:2] for row in rows}) == len(rows)
    return {
        (int(row[0]), int(row[1])): (None if row[2] is None else bytes.fromhex(row[2]), row[3])
        for row in rows
    }


def test_every_kind_of_poison_is_kept_whole_with_all_its_reasons_and_holds_nothing_up(
    clicks: Clicks,
) -> None:
    clicks.create()
    poison = dict(
        zip(
            clicks.send(value for value, _ in POISON),
            ((value, " ".join(reasons)) for value, reasons in POISON),
            strict=True,
        )
    )
    (untimely,) = clicks.send([event()], timestamp_ms=0)  # a producer whose clock begins in 1970
    expected = poison | {untimely: (event(), "kafka_timestamp_unusable")}
    run = clicks.ingest()
    assert run.failure == ""
    assert quarantine(clicks, "clickstream_rejects") == expected
    assert clicks.places("clickstream") == []
    told = clicks.metadata(run)
    assert (told["accepted"], told["rejected"], told["dates_touched"], told["first_event"]) == (
        0,
        len(expected),
        0,
        "none",
    )

    usable = dict(
        zip(clicks.send(value for value, _ in USABLE), (read for _, read in USABLE), strict=True)
    )
    run = clicks.ingest()
    assert run.failure == ""
    columns = "app_version, os_version, page_id, button_id, is_page_view, lat"
    for name in ("clickstream", "clicks"):
        rows = clicks.query(f"SELECT kafka_partition, kafka_offset, {columns} FROM {{{name}}}")
        assert {(row[0], row[1]): row[2:] for row in rows} == usable
        assert clicks.query(
            f"SELECT DISTINCT CAST(event_timestamp AS string), event_date FROM {{{name}}}"
        ) == [("2020-03-14 09:59:07", "2020-03-14")]
        assert name == "clicks" or clicks.fold().failure == ""
    told = clicks.metadata(run)
    assert (told["accepted"], told["rejected"], told["extra_keys"]) == (len(usable), 0, 3)
    assert quarantine(clicks, "rejects") == expected
    assert min(clicks.pipeline.store(REJECTS).pointers.values()) > "2020-03-14"
