"""The columns of each table: the names and types that Hive, Spark and Parquet agree on."""

import re
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column as Hive declares it; `about` is what a reader of the table sees beside it."""

    name: str
    type: str
    about: str
    instant: bool = False  # of a timestamp: an instant in UTC, not a local time

    @property
    def scale(self) -> int:
        """Digits after the decimal point, of an exact number."""
        decimal = re.fullmatch(r"decimal\(\d+,(\d+)\)", self.type)
        return int(decimal[1]) if decimal else 0

    @property
    def arrow_type(self) -> pa.DataType:
        if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", self.type):
            return pa.decimal128(int(decimal[1]), int(decimal[2]))
        return pa.timestamp("us", tz="UTC") if self.instant else ARROW_TYPES[self.type]

    @property
    def spark_type(self) -> str:
        """The type that Spark writes to Parquet without shifting it.

        Hive and Spark both read it as `type`.
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
    "timestamp": pa.timestamp("us"),  # wall clock: no zone
}


@dataclass(frozen=True)
class Table:
    """An external Hive table over Parquet, partitioned by one column: a day or a batch's number."""

    name: str
    partition_column: str
    key: tuple[str, ...]  # no two rows of a partition agree in it
    columns: tuple[Column, ...]
    code_version: (
        int  # raise it when the same input would give other rows: the days are then made again
    )

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

    day: str  # the timestamp whose date is the day
    totals: tuple[str, ...]  # columns whose sums are compared with the source's
    stored_as: tuple[tuple[str, str], ...] = ()  # names of totals in manifests, where other ones
    key_check: str  # name of the check that no key is missing or there twice

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
        """Columns of exact numbers, such as amounts."""
        return [column for column in self.columns if column.type.startswith("decimal(")]

    def of_type(self, *types: str) -> list[Column]:
        """Return the columns of those Hive types."""
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
        Column("customer_id", "bigint", "who rode"),
        Column("driver_id", "bigint", "who drove"),
        Column("customer_app_version", "string", "version of the app the ride was booked with"),
        Column("customer_phone_os_version", "string", "iOS or Android"),
        Column("pickup_lat", "double", "degrees north"),
        Column("pickup_lon", "double", "degrees east"),
        Column("drop_lat", "double", "degrees north"),
        Column("drop_lon", "double", "degrees east"),
        Column("pickup_timestamp", "timestamp", "wall clock of the business zone; decides the day"),
        Column(
            "drop_timestamp", "timestamp", "wall clock of the business zone; can precede the pickup"
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

# What was hashed of bookings before a fingerprint said so
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
        Column("total_bookings", "bigint", "bookings picked up that day in that currency"),
        Column("total_booking_amount", "decimal(22,2)", "sum of trip_fare"),
        Column("top_tip_amount", "decimal(12,2)", "highest tip_amount"),
        Column("total_tip_amount", "decimal(22,2)", "sum of tip_amount"),
        Column("average_booking_amount", "decimal(16,6)", "mean of trip_fare"),
    ),
)

EVENT = (
    Column("customer_id", "bigint", "whose app it was"),
    Column("app_version", "string", "version of the app"),
    Column("os_version", "string", "iOS or Android"),
    Column("lat", "double", "degrees north; NULL where the app sent none"),
    Column("lon", "double", "degrees east; NULL where the app sent none"),
    Column("page_id", "string", "the page"),
    Column("button_id", "string", "the button"),
    Column("is_button_click", "boolean", "the button was clicked"),
    Column("is_page_view", "boolean", "the page was viewed"),
    Column("is_scroll_up", "boolean", "the page was scrolled up"),
    Column("is_scroll_down", "boolean", "the page was scrolled down"),
    Column("event_timestamp", "timestamp", "wall clock of the business zone; decides the day"),
)
POSITION = ("lat", "lon")  # what an app that may not know it leaves out, or sends as null or empty
EVENT_DATE = Column("event_date", "string", "day of event_timestamp")
PLACE = (
    Column("topic", "string", "the Kafka topic the record lies in"),
    Column("kafka_partition", "int", "its partition"),
    Column("kafka_offset", "bigint", "its offset; the three together are the record"),
    Column("kafka_timestamp", "timestamp", "the instant Kafka holds for it, UTC", instant=True),
)
REFUSAL = (
    Column("raw_value", "binary", "the record's value as it came; of refused records only"),
    Column("reasons", "array<string>", "every reason why it cannot be used; NULL: accepted"),
)
EXTRA_KEYS = Column(
    "extra_keys",
    "int",
    "keys of the record that are none of ours; in the staged files beside the columns of the table",
)
PLACE_KEY = ("topic", "kafka_partition", "kafka_offset")

CLICKSTREAM_BATCHES = Table(
    name="clickstream_batches",
    partition_column="batch",
    key=PLACE_KEY,
    code_version=1,
    columns=(*EVENT, EVENT_DATE, *PLACE, *REFUSAL),
)

CLICKS = Table(
    name="clicks",
    partition_column="event_date",
    key=PLACE_KEY,
    code_version=1,
    columns=(
        *EVENT,
        *PLACE,
        Column("copies", "int", "records that carried this event; the place is that of the first"),
    ),
)

REJECTS = Table(
    name="rejects",
    partition_column="ingest_date",
    key=PLACE_KEY,
    code_version=1,
    columns=(*PLACE, *REFUSAL),
)
