"""The variables that configure the pipeline, with the purpose of each."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from cab_assets.sources.database_url import database_url
from cab_assets.variables import (
    CENTURY,
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
# Upper bounds of time spans
DAYS, HOURS, MINUTES = (CENTURY // timedelta(**{unit: 1}) for unit in ("days", "hours", "minutes"))
DAY_SECONDS = 86_400
KAFKA_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class Servers(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """The addresses of the servers, and how the pipeline authenticates."""

    env: str = variable(
        one_of("embedded", "cluster"), "embedded: started by `cab up`; cluster: yours", "embedded"
    )
    home: Path = variable(
        lambda text: Path(text).absolute(),
        "folder of the embedded stack's state",
        str(CHECKOUT / ".cab"),
    )
    bookings_db_url: str | None = variable(database_url, "the source database of the bookings")
    bookings_db_password: str | None = variable(
        str, "password for the source database", secret=True
    )
    bookings_db_secret: str | None = variable(
        str, "instead of the password: the name of its secret in AWS Secrets Manager"
    )
    bookings_db_ca: Path | None = variable(
        readable,
        "PEM file of the certificate authorities that the source database is checked against;"
        " without it, nothing is checked",
    )
    bookings_table: str = variable(
        matching(r"\w+(\.\w+)?", "table or schema.table"), "the table of bookings", "bookings"
    )
    kafka_bootstrap_servers: str | None = variable(
        matching(
            r"[^@]+",
            "host:port, comma-separated; set the user in CAB_KAFKA_USER and CAB_KAFKA_PASSWORD",
        ),
        "Kafka brokers, host:port, comma-separated",
    )
    kafka_security: str = variable(
        one_of(*KAFKA_PROTOCOLS), "Kafka's security.protocol", "PLAINTEXT"
    )
    kafka_sasl_mechanism: str = variable(
        one_of("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"),
        "Kafka's sasl.mechanism",
        "SCRAM-SHA-512",
    )
    kafka_user: str | None = variable(str, "Kafka user, for SASL")
    kafka_password: str | None = variable(str, "password of the Kafka user", secret=True)
    kafka_ca: Path | None = variable(
        readable,
        "PEM file of the certificate authorities that brokers are checked against; without it, the"
        " authorities of this machine",
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
        str, "password for HiveServer2, if it authenticates by LDAP", secret=True
    )
    hive_ca: Path | None = variable(
        readable,
        "PEM file of the certificate authorities that HiveServer2 is checked against; without it,"
        " the traffic is not encrypted",
    )
    spark_remote: str | None = variable(
        matching(r"sc://\S+", "sc://host:port"),
        "Spark Connect; set exactly one of this and CAB_SPARK_MASTER",
    )
    spark_master: str | None = variable(
        str, "a classic Spark master: local[*], spark://… or yarn, instead of CAB_SPARK_REMOTE"
    )
    lake_root: str | None = variable(lake_root, "root of the lake")


class Rules(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """Which days are imported, when, how they are validated, and how long data is kept."""

    timezone: ZoneInfo = variable(
        zone, "business time zone: decides where a day starts and ends", "UTC"
    )
    start_date: date = variable(day, "the first day of all tables", "2020-01-01")
    lookback_days: int = variable(
        at_least(1, DAYS),
        "number of past days that the comparison every 15 minutes covers: corrections rarely come"
        " later",
        "7",
    )
    statement_seconds: int = variable(
        at_least(1, DAY_SECONDS),
        "time limit in seconds of one query that compares days, to protect the source database",
        "60",
    )
    import_days_at_once: int = variable(
        at_least(1), "days that are read in parallel: two keep two cores and the database busy", "2"
    )
    max_loss: float = variable(
        number(0, 1),
        "a day of 100 rows or more that lost a larger share of them is not published; 1 switches"
        " this off",
        "0.5",
    )
    version_grace_days: int = variable(
        at_least(0, DAYS),
        "days before a superseded version is deleted; set it longer than the longest query",
        "7",
    )
    clickstream_tick_seconds: int = variable(
        at_least(1, DAY_SECONDS),
        "seconds between checks for new clicks; Dagster's daemon evaluates sensors every 5 s, so a"
        " value of 5 would often mean 10",
        "4",
    )
    ingest_run_minutes: float = variable(
        number(0, MINUTES),
        "minutes that a run continues while clicks keep coming, because each start of a run takes"
        " seconds",
        "10",
    )
    max_offsets_per_batch: int = variable(
        at_least(1),
        "maximum number of records per batch; limits memory use and commit latency",
        "1000000",
    )
    max_reject_ratio: float = variable(
        number(0, 1),
        "in the newest batches that hold 100 records or more together, a larger share of rejected"
        " records fails a check",
        "0.2",
    )
    fold_minutes: float = variable(
        number(0, MINUTES), "minutes between two runs that fold batches into the daily tables", "15"
    )
    click_grace: Duration = variable(
        duration,
        "allowed lateness: a day is sealed so long after its end, when apps that were offline have"
        " sent their clicks",
        "24h",
    )
    batch_retention_hours: float = variable(
        number(0, HOURS), "hours before a folded batch is dropped from clickstream_batches", "24"
    )
    fresh_minutes: float = variable(
        number(0, MINUTES), "clicks that wait in the topic for more minutes fail a check", "5"
    )
    run_retention_days: int = variable(
        at_least(1, DAYS),
        "days before finished runs are deleted; those that materialized daily partitions are kept",
        "30",
    )
