"""The tables of clicks: batches as they are committed, and the days that are made from them."""

from cab_assets.declarations import Column, FoldedTable, Table

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
    about=(
        "One row per Kafka record, by batch. The view `clickstream` shows the accepted records, the"
        " view `clickstream_rejects` the rejected ones. A batch leaves the table once it is folded"
        " and its retention is over"
    ),
    partition_column="batch",
    key=PLACE_KEY,
    columns=(*EVENT, EVENT_DATE, *PLACE, *REJECTION),
)

CLICKS = FoldedTable(
    name="clicks",
    about="One row per distinct event, by day of the event",
    partition_column="event_date",
    key=PLACE_KEY,
    columns=(
        *EVENT,
        *PLACE,
        Column("copies", "int", "records with this event; the position is that of the first"),
    ),
)

REJECTS = FoldedTable(
    name="rejects",
    about="One row per rejected record, by day of its Kafka time",
    partition_column="ingest_date",
    key=PLACE_KEY,
    columns=(*PLACE, *REJECTION),
)
