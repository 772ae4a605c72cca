"""The tables of bookings: one row per ride, and one per day and currency."""

from cab_assets.declarations import (
    ROWS,
    AddsUp,
    Column,
    DerivedTable,
    SourceTable,
    Unique,
    sql,
)

BOOKINGS = SourceTable(
    name="bookings",
    about="One row per booking (a completed ride)",
    row="booking",
    partition_column="booking_date",
    key=("booking_id",),
    day="pickup_timestamp",
    by="day of pickup",
    totals=("trip_fare", "tip_amount"),
    stored_as=(("trip_fare", "fare"), ("tip_amount", "tip")),
    key_check="booking_id_is_key",
    columns=(
        Column("booking_id", "string", "BK and 9 to 10 digits, random; the key"),
        Column("customer_id", "bigint", "the customer"),
        Column("driver_id", "bigint", "the driver"),
        Column("customer_app_version", "string", "version of the app that booked the ride"),
        Column("customer_phone_os_version", "string", "iOS or Android"),
        Column("pickup_lat", "double", "degrees north"),
        Column("pickup_lon", "double", "degrees east"),
        Column("drop_lat", "double", "degrees north"),
        Column("drop_lon", "double", "degrees east"),
        Column("pickup_timestamp", "timestamp", "local time in the business zone; sets the day"),
        Column(
            "drop_timestamp", "timestamp", "local time in the business zone; can be before pickup"
        ),
        Column("trip_fare", "decimal(12,2)", "in currency_code"),
        Column("tip_amount", "decimal(12,2)", "in currency_code; can exceed the fare"),
        Column("currency_code", "string", "ISO 4217"),
        Column("cab_color", "string", "color of the cab"),
        Column("cab_registration_no", "string", "registration number of the cab"),
        Column("customer_rating_by_driver", "int", "1 to 5"),
        Column("rating_by_customer", "int", "1 to 5"),
        Column("passenger_count", "int", "people in the cab, without the driver"),
    ),
)

# The hashed columns of fingerprints that do not name theirs, which old versions have
HASHED_AT_FIRST = (
    *(
        "booking_id",
        "customer_id",
        "driver_id",
        "customer_app_version",
        "customer_phone_os_version",
    ),
    *("pickup_lat", "pickup_lon", "drop_lat", "drop_lon", "pickup_timestamp", "drop_timestamp"),
    *("trip_fare", "tip_amount", "currency_code", "cab_color", "cab_registration_no"),
    *("customer_rating_by_driver", "rating_by_customer", "passenger_count"),
)

BOOKING_AGGREGATES = DerivedTable(
    name="booking_aggregates",
    about=(
        "One row per day of pickup and currency: number of bookings, their amounts, the highest tip"
    ),
    made_from=BOOKINGS,
    sql=sql("booking_aggregates.sql"),
    partition_column="booking_date",
    key=("currency_code",),
    checks=(
        AddsUp(
            "adds_up_to_bookings",
            "The sums over all currencies equal the number, fares and tips of the published"
            " bookings.",
            (
                ("total_bookings", ROWS),
                ("total_booking_amount", "trip_fare"),
                ("total_tip_amount", "tip_amount"),
            ),
        ),
        Unique("one_row_per_currency", "Each currency has exactly one row."),
    ),
    columns=(
        Column("currency_code", "string", "ISO 4217"),
        Column("total_bookings", "bigint", "bookings with pickup on this day, in this currency"),
        Column("total_booking_amount", "decimal(22,2)", "sum of trip_fare"),
        Column("top_tip_amount", "decimal(12,2)", "highest tip_amount"),
        Column("total_tip_amount", "decimal(22,2)", "sum of tip_amount"),
        Column("average_booking_amount", "decimal(16,6)", "mean of trip_fare"),
    ),
)
