"""The columns of each table: the names and types that Hive, Spark and Parquet use."""

import re
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column as Hive declares it; `about` is its comment in Hive."""

    name: str
    type: str
    about: str
    # Whether a timestamp is an instant in UTC, not a local timestamp
    instant: bool = False

    @property
    def scale(self) -> int:
        """Digits after the decimal point of a decimal; 0 of other types."""
        decimal = re.fullmatch(r"decimal\(\d+,(\d+)\)", self.type)
        return int(decimal[1]) if decimal else 0

    @property
    def arrow_type(self) -> pa.DataType:
        if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", self.type):
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        return pa.timestamp("us", tz="UTC") if self.instant else ARROW_TYPES[self.type]

    @property
    def spark_type(self) -> str:
        """The type with which Spark writes the values to Parquet without a shift of time zone.

        Hive and Spark both read the file's column as `type`.
        """
        return "timestamp_ntz" if self.type == "timestamp" and not self.instant else self.type


ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "array<string>": pa.list_(pa.string()),
    # A local timestamp, without a zone
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Table:
    """An external Hive table on Parquet files, partitioned by a day or by the number of a batch."""

    name: str
    partition_column: str
    # Columns that identify a row within a partition
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    # Increase it when the same input would produce different rows. A day of `bookings` or
    # `booking_aggregates` is then rebuilt the next time it runs; a day of `clicks` or `rejects` is
    # not, because folding does not compare it
    code_version: int

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])

    @property
    def ddl(self) -> str:
        """The columns as `name type, …`, which Spark reads as a schema."""
        return ", ".join(f"{column.name} {column.spark_type}" for column in self.columns)


@dataclass(frozen=True, kw_only=True)
class SourceTable(Table):
    """A table that is imported day by day from a database."""

    # The timestamp whose date is the day
    day: str
    # Columns whose sums are compared with the sums in the source
    totals: tuple[str, ...]
    # Column -> name of its total in manifests, if that is another name
    stored_as: tuple[tuple[str, str], ...] = ()
    # Name of the check that no key is missing or duplicate
    key_check: str

    @property
    def labels(self) -> list[str]:
        """The names of the totals in manifests."""
        other = dict(self.stored_as)
        return [other.get(name, name) for name in self.totals]

    @property
    def texts(self) -> list[Column]:
        return self.of_type("string")

    @property
    def exact(self) -> list[Column]:
        """Columns of decimals, such as amounts."""
        return [column for column in self.columns if column.type.startswith("decimal(")]

    def of_type(self, *types: str) -> list[Column]:
        """Return the columns that have one of these Hive types."""
        return [column for column in self.columns if column.type in types]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


BOOKINGS = SourceTable(
    name="bookings",
    partition_column="booking_date",
    key=("booking_id",),
    code_version=1,
    day="pickup_timestamp",
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

BOOKING_AGGREGATES = Table(
    name="booking_aggregates",
    partition_column="booking_date",
    key=("currency_code",),
    code_version=1,
    columns=(
        Column("currency_code", "string", "ISO 4217"),
        Column("total_bookings", "bigint", "bookings with pickup on this day, in this currency"),
        Column("total_booking_amount", "decimal(22,2)", "sum of trip_fare"),
        Column("top_tip_amount", "decimal(12,2)", "highest tip_amount"),
        Column("total_tip_amount", "decimal(22,2)", "sum of tip_amount"),
        Column("average_booking_amount", "decimal(16,6)", "mean of trip_fare"),
    ),
)

EVENT = (
    Column("customer_id", "bigint", "the customer who uses the app"),
    Column("app_version", "string", "version of the app"),
    Column("os_version", "string", "iOS or Android"),
    Column("lat", "double", "degrees north; NULL if the app sent none"),
    Column("lon", "double", "degrees east; NULL if the app sent none"),
    Column("page_id", "string", "the page"),
    Column("button_id", "string", "the button"),
    Column("is_button_click", "boolean", "the button was clicked"),
    Column("is_page_view", "boolean", "the page was viewed"),
    Column("is_scroll_up", "boolean", "the page was scrolled up"),
    Column("is_scroll_down", "boolean", "the page was scrolled down"),
    Column("event_timestamp", "timestamp", "local time in the business zone; sets the day"),
)
# Fields that the app omits, or sends as null or empty, if it may not know the position
POSITION = ("lat", "lon")
EVENT_DATE = Column("event_date", "string", "day of event_timestamp")
PLACE = (
    Column("topic", "string", "Kafka topic of the record"),
    Column("kafka_partition", "int", "Kafka partition of the record"),
    Column("kafka_offset", "bigint", "Kafka offset; with topic and partition, the key"),
    Column("kafka_timestamp", "timestamp", "Kafka timestamp of the record, UTC", instant=True),
)
REJECTION = (
    Column("raw_value", "binary", "the record's original value; only of rejected records"),
    Column("reasons", "array<string>", "every reason for the rejection; NULL if accepted"),
)
# A column of staged files, which the table does not have
EXTRA_KEYS = Column("extra_keys", "int", "number of keys of the record that have no column")
PLACE_KEY = ("topic", "kafka_partition", "kafka_offset")

CLICKSTREAM_BATCHES = Table(
    name="clickstream_batches",
    partition_column="batch",
    key=PLACE_KEY,
    code_version=1,
    columns=(*EVENT, EVENT_DATE, *PLACE, *REJECTION),
)

CLICKS = Table(
    name="clicks",
    partition_column="event_date",
    key=PLACE_KEY,
    code_version=1,
    columns=(
        *EVENT,
        *PLACE,
        Column("copies", "int", "records with this event; the position is that of the first"),
    ),
)

REJECTS = Table(
    name="rejects",
    partition_column="ingest_date",
    key=PLACE_KEY,
    code_version=1,
    columns=(*PLACE, *REJECTION),
)
