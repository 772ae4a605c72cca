"""The aggregates of bookings by day and currency."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cab_assets.schemas import BOOKING_AGGREGATES


def aggregate_bookings(bookings: DataFrame) -> DataFrame:
    """Return one row per day and currency: number of bookings, sums and mean, highest tip.

    A NULL amount is ignored, as in SQL.
    """
    return (
        bookings.groupBy("booking_date", "currency_code")
        .agg(
            F.count("*").alias("total_bookings"),
            F.sum("trip_fare").alias("total_booking_amount"),
            F.max("tip_amount").alias("top_tip_amount"),
            F.sum("tip_amount").alias("total_tip_amount"),
            F.avg("trip_fare").alias("average_booking_amount"),
        )
        .select("booking_date", *BOOKING_AGGREGATES.names)
    )
