"""The variables that configure the pipeline: read once, typed, every problem named at once.

Values come, in this order, from the process environment, from what the embedded stack wrote when it
started (`CAB_HOME/stack.env`, embedded only), and from the defaults below.
"""

import difflib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from cab_assets.errors import CabError
from cab_assets.secrets import without_secrets
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
    zone,
)

CHECKOUT = Path(__file__).resolve().parents[1]
KAFKA_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
STACK_ENV = (  # in CAB_HOME: KEY=value lines, written by `cab up`, readable by its owner alone
    "stack.env"
)


class BadEnvironment(CabError):
    """One or more variables are missing, malformed or contradict each other.

    The message lists all of them.
    """


def variable(
    parse: Callable[[str], Any], why: str, default: str | None = None, *, secret: bool = False
) -> Any:
    """Declare a variable: how its text is parsed, what it is for, and its default
    (None: not set).
    """
    return Field(
        default,
        validate_default=True,
        description=why,
        repr=not secret,
        json_schema_extra={"parse": parse},
    )  # type: ignore[call-overload]


class Environment(BaseModel, frozen=True, arbitrary_types_allowed=True):
    """The effective settings. A field `x` is the variable `CAB_X`; None means not set."""

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
        "how that user proves who he is",
        "SCRAM-SHA-512",
    )
    kafka_user: str | None = variable(str, "the user, where brokers want one")
    kafka_password: str | None = variable(str, "his password", secret=True)
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
        at_least(1), "finished runs that materialized nothing are forgotten after so long", "30"
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _parsed(cls, value: Any, _: Any, info: ValidationInfo) -> Any:
        extra: Any = cls.model_fields[str(info.field_name)].json_schema_extra
        return extra["parse"](value) if isinstance(value, str) else value

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Return whether a field's value must not be shown."""
        return not cls.model_fields[name].repr

    def but(self, **changes: Any) -> "Environment":
        """Return these settings with some of them changed."""
        return self.model_copy(update=changes)

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its own state when DAGSTER_HOME does not say."""
        return self.home / "dagster"

    def ready(self) -> "Environment":
        """This environment, if a pipeline can run on it.

        BadEnvironment names everything that is missing or contradicts.
        """
        problems = self.lacking()
        if problems and self.env == "embedded":
            problems.append("the embedded stack fills in what is not set: start it with `cab up`")
        return self if not problems else _refuse(problems)

    def lacking(self) -> list[str]:
        """What is missing or contradicts."""
        fields = type(self).model_fields
        problems = [
            f"{name_of(name)} is not set: {fields[name].description}"
            for name in NEEDED
            if getattr(self, name) is None
        ]
        if bool(self.spark_remote) == bool(self.spark_master):
            problems.append(
                "exactly one of CAB_SPARK_REMOTE and CAB_SPARK_MASTER must be set,"
                f" {'both are' if self.spark_remote else 'neither is'}"
            )
        wants_user = self.kafka_security.startswith("SASL")
        if wants_user != bool(self.kafka_user) or wants_user != bool(self.kafka_password):
            problems.append(
                f"CAB_KAFKA_SECURITY={self.kafka_security}"
                f" {'needs' if wants_user else 'has no use for'} CAB_KAFKA_USER and"
                " CAB_KAFKA_PASSWORD"
            )
        if self.bookings_db_secret and self.bookings_db_password:
            problems.append(
                "CAB_BOOKINGS_DB_PASSWORD and CAB_BOOKINGS_DB_SECRET are both set: which one holds?"
            )
        if self.bookings_db_ca and "sslmode=" in str(self.bookings_db_url):
            problems.append(
                "CAB_BOOKINGS_DB_CA is set, which means sslmode=verify-full: leave sslmode out of"
                " CAB_BOOKINGS_DB_URL"
            )
        return problems


NEEDED = ("bookings_db_url", "kafka_bootstrap_servers", "hive_url", "lake_root")


def name_of(field: str) -> str:
    """Return the variable of a field."""
    return f"CAB_{field.upper()}"


def read(environ: Mapping[str, str]) -> Environment:
    """The settings that `environ` and the embedded stack's own file give.

    BadEnvironment if a value cannot be used.
    """
    given = {name: text for name, text in environ.items() if name.startswith("CAB_") and text != ""}
    stacked = _of_the_stack(given)
    texts = {
        field: stacked[name_of(field)]
        for field in Environment.model_fields
        if name_of(field) in stacked
    }
    problems, unusable = _misspelt(given), dict[str, str]()
    try:
        current = Environment.model_validate(texts)
    except ValidationError as error:
        unusable = {str(each["loc"][0]): str(each["ctx"]["error"]) for each in error.errors()}
        problems += [
            f"{name_of(field)}={_shown(field, texts[field])} {why}"
            for field, why in unusable.items()
        ]
        current = Environment.model_validate(
            {field: text for field, text in texts.items() if field not in unusable}
        )
    # Where nobody fills in what is missing, so that it can be told in the same breath
    if problems and current.env == "cluster":
        problems += [
            each
            for each in current.lacking()
            if not any(name_of(field) in each for field in unusable)
        ]
    return current if not problems else _refuse(problems)


def _shown(field: str, text: str) -> str:
    return "…" if Environment.is_secret(field) else without_secrets(text)


def _of_the_stack(given: Mapping[str, str]) -> dict[str, str]:
    """`given` on top of what the embedded stack wrote.

    A Spark that the user chose replaces the stack's.
    """
    if given.get("CAB_ENV", "embedded") != "embedded":
        return dict(given)
    written = dotenv_values(
        Path(given.get("CAB_HOME", CHECKOUT / ".cab")) / STACK_ENV, interpolate=False
    )
    stack = {name: text for name, text in written.items() if text is not None}
    if "CAB_SPARK_MASTER" in given:
        stack.pop("CAB_SPARK_REMOTE", None)
    # Another database has another password
    if "CAB_BOOKINGS_DB_URL" in given or "CAB_BOOKINGS_DB_SECRET" in given:
        stack.pop("CAB_BOOKINGS_DB_PASSWORD", None)
    return stack | dict(given)


def _misspelt(given: Mapping[str, str]) -> list[str]:
    known = [name_of(each) for each in Environment.model_fields]
    near = {
        name: difflib.get_close_matches(name, known, 1, 0.85) for name in given if name not in known
    }
    return [
        f"{name} is no variable of ours; did you mean {match[0]}?"
        for name, match in near.items()
        if match
    ]


def _refuse(problems: list[str]) -> Any:
    raise BadEnvironment("\n".join(problems))
