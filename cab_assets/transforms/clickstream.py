"""Records of the clickstream, each read into an event or refused with every reason why."""

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cab_assets.schemas import CLICKSTREAM_BATCHES, PLACE
from cab_assets.transforms.click_json import KEYS, can_be_kept, fault, is_plain, texts
from cab_assets.transforms.click_values import KEPT_AS_WRITTEN, is_usable, values

EVENT_NAMES = tuple(KEYS)
PLACE_NAMES = tuple(column.name for column in PLACE)
RENAMED = {"partition": "kafka_partition", "offset": "kafka_offset", "timestamp": "kafka_timestamp"}
OURS = [key for keys in KEYS.values() for key in keys]


def read_clicks(records: DataFrame, *, start_date: date, zone: str) -> DataFrame:
    """One row per record that Kafka's source gives, of a batch or a stream, in the columns of `clickstream_batches`; no input raises.

    `reasons` is NULL, or `value_is_null`, `not_utf8` (an escape like \\\\ud800 alone is no character either), `not_json` or
    `not_an_object`, or else, of each field that is wrong, `<column>_missing`, `<column>_twice` (in whatever spelling) or
    `<column>_unusable`; and `event_before_start` or `event_in_future` (over a day ahead of Kafka's time on the clock of `zone`).
    `extra_keys` counts the keys that are none of ours.
    """
    return (
        records.withColumnsRenamed(RENAMED)
        .select("value", *PLACE_NAMES, *_named(texts(F.col("value").cast("string"))))
        .select("value", *PLACE_NAMES, *_named(values()), "members")  # by itself: a value that stands beside a condition on it is read twice
        .select("value", *PLACE_NAMES, *EVENT_NAMES, _is_innocent(start_date, zone).alias("innocent"))
        .select(*PLACE_NAMES, *EVENT_NAMES, F.when(~F.col("innocent"), _evidence(start_date, zone)).alias("seen"))
        .select(*PLACE_NAMES, *EVENT_NAMES, F.col("seen.value"), _reasons().alias("found"), _extra_keys().alias("extra_keys"))
        .withColumn("reasons", F.when(F.size("found") > 0, F.col("found")))
        .withColumns(_event_or_bytes())
        .select(*CLICKSTREAM_BATCHES.names, "extra_keys")
    )


def _named(columns: Mapping[str, Column]) -> list[Column]:
    return [column.alias(name) for name, column in columns.items()]


def _is_innocent(start_date: date, zone: str) -> Column:
    """Whether nothing is wrong, as far as a look at the values tells: then the JSON is not looked at again. Never NULL."""
    usable = [is_usable(name, F.col(name)) for name in EVENT_NAMES]
    return F.coalesce(reduce(Column.__and__, usable, _untimely(start_date, zone).isNull()) & is_plain(), F.lit(False))


def _evidence(start_date: date, zone: str) -> Column:
    """What the reasons are told from."""
    json = F.col("value").cast("string")
    seen = {"fault": fault(json), "keys": F.json_object_keys(json), "kept": can_be_kept(json), "untimely": _untimely(start_date, zone)}
    return F.struct("value", *_named(seen))


def _reasons() -> Column:
    of_fields = [_reason(name) for name in EVENT_NAMES if name != "event_timestamp"]
    of_time = F.coalesce(_reason("event_timestamp"), "seen.untimely")
    found = F.when(F.col("seen.fault").isNull(), F.array_compact(F.array(*of_fields, of_time))).otherwise(F.array("seen.fault"))
    return F.when(F.col("seen").isNotNull(), found)


def _reason(name: str) -> Column:
    times = F.size(F.filter("seen.keys", lambda key: key.isin(*KEYS[name])))
    unusable = ~is_usable(name, F.col(name))
    if name in KEPT_AS_WRITTEN:
        unusable |= ~F.col("seen.kept")[name]
    return F.when(times == 0, f"{name}_missing").when(times > 1, f"{name}_twice").when(unusable, f"{name}_unusable")


def _untimely(start_date: date, zone: str) -> Column:
    moment = F.col("event_timestamp")
    early = moment < F.lit(start_date).cast("timestamp_ntz")
    ahead = moment - F.expr("INTERVAL 1 DAY") > F.from_utc_timestamp("kafka_timestamp", zone).cast("timestamp_ntz")
    return F.when(early, "event_before_start").when(ahead, "event_in_future")


def _extra_keys() -> Column:
    return F.when(F.col("seen").isNotNull() & F.col("seen.fault").isNull(), F.size(F.filter("seen.keys", lambda key: ~key.isin(OURS)))).otherwise(0)


def _event_or_bytes() -> dict[str, Column]:
    """A record that is refused keeps its bytes, and nothing of what was read from them."""
    accepted = F.col("reasons").isNull()
    event = {name: F.col(name) for name in EVENT_NAMES} | {"event_date": F.col("event_timestamp").cast("date").cast("string")}
    return {name: F.when(accepted, column) for name, column in event.items()} | {"raw_value": F.when(~accepted, F.col("value"))}
