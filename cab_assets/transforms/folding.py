"""Merge new records into a day of the daily tables `clicks` and `rejects`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cab_assets.tables.clicks import EVENT, PLACE_KEY, REJECTS

EVENT_NAMES = [column.name for column in EVENT]
# Orders the records of one event; the first one is kept
FIRST = ["kafka_timestamp", *PLACE_KEY]


def fold_clicks(current: DataFrame, records: DataFrame) -> DataFrame:
    """Return one row per distinct event: its first record's position, and its number of records."""
    arrived = records.select("event_date", *EVENT_NAMES, *FIRST, F.lit(1).alias("copies"))
    return (
        current.select(arrived.columns)
        .unionByName(arrived)
        .groupBy("event_date", *EVENT_NAMES)
        .agg(F.min(F.struct(*FIRST)).alias("first"), F.sum("copies").cast("int").alias("copies"))
        .select(
            "event_date",
            *EVENT_NAMES,
            *(f"first.{name}" for name in (*PLACE_KEY, "kafka_timestamp")),
            "copies",
        )
    )


def fold_rejects(current: DataFrame, records: DataFrame, removed_by_replay: DataFrame) -> DataFrame:
    """Return one row per rejected record, without those at positions in `removed_by_replay`."""
    columns = ["ingest_date", *REJECTS.names]
    return (
        current.select(columns)
        .unionByName(records.select(columns))
        .join(removed_by_replay, on=list(PLACE_KEY), how="left_anti")
        .select(columns)
    )
