"""Parse records of the clickstream: each becomes an event, or is rejected with all its reasons.

This runs in Spark's Python workers, one Arrow record batch at a time. The package `cab_assets` is
sent to them with the job; its libraries must be installed there.
"""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import cloudpickle
from pyspark.sql import DataFrame

import cab_assets
from cab_assets.tables.clicks import (
    CLICKSTREAM_BATCHES,
    EVENT,
    EVENT_DATE,
    EXTRA_KEYS,
    PLACE,
    POSITION,
)
from cab_assets.transforms.click_json import Odd, take_apart
from cab_assets.transforms.click_values import DAY, are_blank, read, utc_offset
from cab_assets.transforms.reasons import TIME_UNUSABLE

cloudpickle.register_pickle_by_value(cab_assets)  # type: ignore[no-untyped-call]

STAGED = replace(CLICKSTREAM_BATCHES, columns=(*CLICKSTREAM_BATCHES.columns, EXTRA_KEYS))
RENAMED = {"partition": "kafka_partition", "offset": "kafka_offset", "timestamp": "kafka_timestamp"}
PLACE_NAMES = [column.name for column in PLACE]
TIME = "event_timestamp"
IN_ORDER = [*(column.name for column in EVENT if column.name != TIME), TIME]
NOT_ODD = Odd()
INSTANT = pa.timestamp("us", tz="UTC")
FIRST_MOMENT = int(np.datetime64(date.min, "us").astype(np.int64))
LAST_MOMENT = pa.scalar(datetime.max.replace(tzinfo=UTC), INSTANT)
# Fast pre-check: an event that is at most this far ahead of Kafka's UTC time cannot be more than a
# day ahead of Kafka's local time, because no time zone is more than 14 hours behind UTC
SAFELY_AHEAD = DAY * 10 // 24

Batches = Iterator[pa.RecordBatch]


def read_clicks(records: DataFrame, *, start_date: date, zone: str) -> DataFrame:
    """Return one row per record of Kafka's source, in the columns of `clickstream_batches`.

    The source may be a batch or a stream. No record raises an error. `extra_keys` counts unknown
    keys. `reasons` is NULL for an accepted record, or has one or more of:

    - `value_is_null`, `not_utf8` (also an escape of an unpaired surrogate, such as \\ud800),
      `not_json` or `not_an_object`; such a record has no reasons of its fields
    - for each wrong field `<column>_missing`, `<column>_twice` (in any spelling) or
      `<column>_unusable`
    - `event_before_start`, or `event_in_future`: over a day ahead of Kafka's local time in `zone`
    - `kafka_timestamp_unusable`: Kafka's time is before `start_date` or after the year 9999, for
      example from a producer that counts seconds or microseconds. No record can have arrived then,
      so the time of reading replaces it.
    """
    return (
        records.withColumnsRenamed(RENAMED)
        .select("value", *PLACE_NAMES)
        .mapInArrow(Reader(start_date, zone).read_all, STAGED.ddl)
    )


@dataclass(frozen=True)
class Reader:
    """Parser of records whose events are from the day `start` on, in local time of `zone`."""

    start: date
    zone: str

    def read_all(self, batches: Batches) -> Batches:
        """Read all batches in a worker, without garbage collection.

        No code here makes reference cycles, and searching for them would take a fifth of the time.
        """
        gc.disable()
        try:
            yield from map(self.read, batches)
        finally:
            # Spark uses the worker for other jobs too
            gc.enable()

    def read(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """Return one row per record; `value` and the position's columns may be in any order."""
        texts, odd = take_apart(records.column("value").to_pylist())
        event = {
            each.name: read(each.name, each.type, texts[each.name], self.zone) for each in EVENT
        }
        arrived, unknown = self._arrived(records.column("kafka_timestamp"))
        early, ahead = self._untimely(_microseconds(event[TIME]), _microseconds(arrived))
        wrong = {name: _mask(pc.is_null(column)) for name, column in event.items()}
        for name in POSITION:
            wrong[name] = wrong[name] & ~_mask(pc.fill_null(are_blank(texts[name]), False))
        accepted = pa.array(~reduce(np.logical_or, [*wrong.values(), early, ahead, unknown]))
        reasons, extra_keys = _nothing(len(records), object), _nothing(len(records), np.int32)
        for row in np.flatnonzero(~_mask(accepted)).tolist():
            fields = {name for name, mask in wrong.items() if mask[row]}
            strange = odd.get(row, NOT_ODD)
            reasons[row] = _reasons(strange, fields, early=early[row], ahead=ahead[row])
            reasons[row] += [TIME_UNUSABLE] * bool(unknown[row])
        for row, each in odd.items():
            extra_keys[row] = each.extra_keys
        event[EVENT_DATE.name] = event[TIME].cast(pa.date32()).cast(pa.string())
        # A rejected record has its bytes, and no values that were read from them
        kept = {name: pc.if_else(accepted, column, None) for name, column in event.items()}
        place = {name: records.column(name) for name in PLACE_NAMES} | {"kafka_timestamp": arrived}
        refusal = {
            "raw_value": pc.if_else(accepted, None, records.column("value")),
            "reasons": reasons,
            EXTRA_KEYS.name: extra_keys,
        }
        return pa.RecordBatch.from_pydict(kept | place | refusal, schema=STAGED.arrow_schema)

    def _untimely(self, moments: np.ndarray, arrived: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which events are before the start, and which are too far in the future."""
        ahead = moments - SAFELY_AHEAD > arrived
        for row in np.flatnonzero(ahead):
            ahead[row] = (
                moments[row] - DAY - utc_offset(int(arrived[row]), self.zone) > arrived[row]
            )
        return moments < self.start_moment, ahead

    def _arrived(self, given: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Return the Kafka times, and which were unusable: the current time replaces those."""
        midnight = self.start_moment - utc_offset(self.start_moment, self.zone)
        first = pa.scalar(max(midnight, FIRST_MOMENT), INSTANT)
        usable = pc.and_(pc.greater_equal(given, first), pc.less_equal(given, LAST_MOMENT))
        now = pa.scalar(datetime.now(UTC), INSTANT)
        return pc.if_else(usable, given, now), ~_mask(usable)

    @property
    def start_moment(self) -> int:
        """Return the start of the day `start` as local time, in microseconds since 1970."""
        return int(np.datetime64(self.start, "us").astype(np.int64))


def _reasons(odd: Odd, wrong: set[str], *, early: bool, ahead: bool) -> list[str]:
    if odd.fault:
        return [odd.fault]
    found = [f"{name}_{odd.faults.get(name, 'unusable')}" for name in IN_ORDER if name in wrong]
    untimely = ["event_before_start"] * bool(early) + ["event_in_future"] * bool(ahead)
    return found if TIME in wrong else found + untimely


def _microseconds(moments: pa.Array) -> np.ndarray:
    """Return timestamps as microseconds since 1970; 0 for NULL."""
    return np.asarray(pc.fill_null(moments.cast(pa.int64()), 0))


def _mask(found: pa.BooleanArray) -> np.ndarray:
    return np.asarray(found.to_numpy(zero_copy_only=False))


def _nothing(rows: int, kind: Any) -> Any:
    """Return a column of NULL, or of 0 if the type has no NULL."""
    return np.full(rows, None, dtype=object) if kind is object else np.zeros(rows, kind)
