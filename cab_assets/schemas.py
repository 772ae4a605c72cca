"""The columns of each table, in one place: the names and types that Hive, Spark and Parquet agree on."""

import re
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column as Hive declares it; `about` is what a reader of the table sees beside it."""

    name: str
    type: str
    about: str

    @property
    def arrow_type(self) -> pa.DataType:
        if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", self.type):
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        return ARROW_TYPES[self.type]


ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),  # wall clock: no zone
}


@dataclass(frozen=True)
class Table:
    """An external Hive table over Parquet, partitioned by one day column."""

    name: str
    partition_column: str
    key: tuple[str, ...]  # no two rows of a day agree in it
    columns: tuple[Column, ...]
    code_version: int  # raise it when the same input would give other rows: the days are then made again

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def ddl(self) -> str:
        """The columns as `name type, …`, which Spark reads as a schema."""
        return ", ".join(f"{column.name} {column.type}" for column in self.columns)


BOOKINGS = Table(
    name="bookings",
    partition_column="booking_date",
    key=("booking_id",),
    code_version=1,
    columns=(
        Column("booking_id", "string", "BK and 9 to 10 digits, random; the key"),
        Column("customer_id", "bigint", "who rode"),
        Column("driver_id", "bigint", "who drove"),
        Column("customer_app_version", "string", "version of the app the ride was booked with"),
        Column("customer_phone_os_version", "string", "iOS or Android"),
        Column("pickup_lat", "double", "degrees north"),
        Column("pickup_lon", "double", "degrees east"),
        Column("drop_lat", "double", "degrees north"),
        Column("drop_lon", "double", "degrees east"),
        Column("pickup_timestamp", "timestamp", "wall clock of the business zone; decides the day"),
        Column("drop_timestamp", "timestamp", "wall clock of the business zone; can precede the pickup"),
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

BOOKING_AGGREGATES = Table(
    name="booking_aggregates",
    partition_column="booking_date",
    key=("currency_code",),
    code_version=1,
    columns=(
        Column("currency_code", "string", "ISO 4217"),
        Column("total_bookings", "bigint", "bookings picked up that day in that currency"),
        Column("total_booking_amount", "decimal(22,2)", "sum of trip_fare"),
        Column("top_tip_amount", "decimal(12,2)", "highest tip_amount"),
        Column("total_tip_amount", "decimal(22,2)", "sum of tip_amount"),
        Column("average_booking_amount", "decimal(16,6)", "mean of trip_fare"),
    ),
)
