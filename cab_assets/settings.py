"""The variables that configure the pipeline, with what each is for."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from cab_assets.sources.database_url import database_url
from cab_assets.variables import (
    Duration,
    at_least,
    day,
    duration,
    lake_root,
    matching,
    number,
    one_of,
    readable,
    variable,
    zone,
)

CHECKOUT = Path(__file__).resolve().parents[1]
KAFKA_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class Servers(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """Where the servers are, and how they are spoken to."""

    env: str = variable(one_of("embedded", "cluster"), "where the servers are", "embedded")
    home: Path = variable(
        lambda text: Path(text).absolute(),
        "where the embedded stack keeps its state",
        str(CHECKOUT / ".cab"),
    )
    bookings_db_url: str | None = variable(database_url, "the database that holds the rides")
    bookings_db_password: str | None = variable(str, "its password", secret=True)
    bookings_db_secret: str | None = variable(
        str, "or the name of its secret in AWS Secrets Manager"
    )
    bookings_db_ca: Path | None = variable(
        readable,
        "PEM file of the authorities that its certificate is checked against; without it, nothing"
        " is checked",
    )
    bookings_table: str = variable(
        matching(r"\w+(\.\w+)?", "table or schema.table"), "its table of bookings", "bookings"
    )
    kafka_bootstrap_servers: str | None = variable(
        matching(
            r"[^@]+",
            "host:port, comma-separated; a user is CAB_KAFKA_USER, with CAB_KAFKA_PASSWORD",
        ),
        "Kafka brokers, host:port, comma-separated",
    )
    kafka_security: str = variable(
        one_of(*KAFKA_PROTOCOLS), "how brokers are spoken to, in Kafka's words", "PLAINTEXT"
    )
    kafka_sasl_mechanism: str = variable(
        one_of("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"),
        "how that user authenticates",
        "SCRAM-SHA-512",
    )
    kafka_user: str | None = variable(str, "the user, where brokers want one")
    kafka_password: str | None = variable(str, "that user's password", secret=True)
    kafka_ca: Path | None = variable(
        readable,
        "PEM file of the authorities that brokers' certificates are checked against; without it the"
        " machine's own",
    )
    clickstream_topic: str = variable(
        matching(r"[a-zA-Z0-9._-]+", "a Kafka topic name"), "the topic of clicks", "clickstream"
    )
    hive_url: str | None = variable(
        matching(
            r"hive://([^:@/\s]+@)?[^:@/\s]+:\d+/\w+(\?auth=KERBEROS(&kerberos_service_name=\w+)?)?",
            "hive://user@host:port/cab",
        ),
        "HiveServer2 and the database of the tables",
    )
    hive_password: str | None = variable(
        str, "its password, where it wants one (LDAP)", secret=True
    )
    hive_ca: Path | None = variable(
        readable,
        "PEM file of the authorities that its certificate is checked against; without it, its"
        " traffic is not encrypted",
    )
    spark_remote: str | None = variable(
        matching(r"sc://\S+", "sc://host:port"), "Spark Connect, or …"
    )
    spark_master: str | None = variable(
        str, "… a classic Spark master: local[*], spark://…, yarn; exactly one of the two"
    )
    lake_root: str | None = variable(lake_root, "root of the lake")


class Rules(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """What is brought over, when, and for how long it is kept."""

    timezone: ZoneInfo = variable(zone, "business zone: decides when a day is over", "UTC")
    start_date: date = variable(day, "first day there is", "2020-01-01")
    lookback_days: int = variable(
        at_least(1),
        "days before today that are compared with the source all the time: corrections rarely come"
        " later",
        "7",
    )
    statement_seconds: int = variable(
        at_least(1),
        "time limit of one observing query, so that it never weighs on the rides' database",
        "60",
    )
    import_days_at_once: int = variable(
        at_least(1), "days read side by side: two keep two cores and the database busy", "2"
    )
    max_loss: float = variable(
        number(0, 1),
        "a day of 100 rows or more that lost a larger share of them is withheld; 1: never",
        "0.5",
    )
    version_grace_days: int = variable(
        at_least(0), "a superseded version stays so long: longer than the longest query", "7"
    )
    clickstream_tick_seconds: int = variable(
        at_least(1),
        "so often the sensor asks Kafka for clicks; Dagster comes by every 5 s, and 5 would often"
        " be 10",
        "4",
    )
    ingest_run_minutes: float = variable(
        number(0),
        "a run stays so long while clicks keep coming, so that the price of its start is paid once",
        "10",
    )
    max_offsets_per_batch: int = variable(
        at_least(1), "bounds a batch's memory; 1,000,000 are ten seconds' work", "1000000"
    )
    max_reject_ratio: float = variable(
        number(0, 1),
        "a batch of 100 records or more with a larger share of refused ones turns a check red",
        "0.2",
    )
    fold_minutes: float = variable(
        number(0), "so often batches are folded into the day tables, at most", "15"
    )
    click_grace: Duration = variable(
        duration,
        "a day is sealed so long after its end: apps that were offline have sent by then",
        "24h",
    )
    batch_retention_hours: float = variable(
        number(0), "a batch that is folded leaves clickstream_batches after so long", "24"
    )
    fresh_minutes: float = variable(
        number(0), "clicks that wait in the topic for longer turn a check red", "5"
    )
    run_retention_days: int = variable(
        at_least(1),
        "days before finished runs are deleted; those that materialized daily partitions are kept",
        "30",
    )
