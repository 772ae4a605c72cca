"""The variables that configure the pipeline: read once, typed, with all problems in one error.

Values come, in this order, from the process environment, from the file that the embedded stack
wrote when it started (`CAB_HOME/stack.env`, embedded only), and from the defaults in settings.py.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import ValidationError, ValidationInfo, field_validator

from cab_assets.errors import CabError
from cab_assets.secrets import without_secrets
from cab_assets.settings import CHECKOUT, Rules, Servers

# File in CAB_HOME with KEY=value lines, written by `cab up`, readable only by its owner
STACK_ENV = "stack.env"


class BadEnvironment(CabError):
    """One or more variables are missing, malformed or contradict each other.

    The message lists all of them.
    """


class Environment(Rules, Servers, frozen=True):
    """The effective settings. A field `x` is the variable `CAB_X`; None means not set."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _parsed(cls, value: Any, _: Any, info: ValidationInfo) -> Any:
        extra: Any = cls.model_fields[str(info.field_name)].json_schema_extra
        return extra["parse"](value) if isinstance(value, str) else value

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Return whether the value of a field must not be shown."""
        return not cls.model_fields[name].repr

    def but(self, **changes: Any) -> "Environment":
        """Return these settings with some of them changed."""
        return self.model_copy(update=changes)

    @property
    def dagster_home(self) -> Path:
        """The folder of Dagster's own state if DAGSTER_HOME is not set."""
        return self.home / "dagster"

    def ready(self) -> "Environment":
        """Return this environment if the pipeline can run on it.

        Raises BadEnvironment with all variables that are missing or contradict each other.
        """
        problems = self.lacking()
        if problems and self.env == "embedded":
            problems.append("the embedded stack sets what is missing: start it with `cab up`")
        return self if not problems else _reject(problems)

    def lacking(self) -> list[str]:
        """Return the problems: variables that are missing or contradict each other."""
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
                f" {'needs' if wants_user else 'does not use'} CAB_KAFKA_USER and"
                " CAB_KAFKA_PASSWORD"
            )
        if self.bookings_db_secret and self.bookings_db_password:
            problems.append(
                "set either CAB_BOOKINGS_DB_PASSWORD or CAB_BOOKINGS_DB_SECRET, not both"
            )
        if self.bookings_db_ca and "sslmode=" in str(self.bookings_db_url):
            problems.append(
                "CAB_BOOKINGS_DB_CA is set, which implies sslmode=verify-full: remove sslmode from"
                " CAB_BOOKINGS_DB_URL"
            )
        return problems


NEEDED = ("bookings_db_url", "kafka_bootstrap_servers", "hive_url", "lake_root")


def name_of(field: str) -> str:
    """Return the name of a field's variable."""
    return f"CAB_{field.upper()}"


def read(environ: Mapping[str, str]) -> Environment:
    """Return the settings from `environ` and from the file of the embedded stack.

    Raises BadEnvironment if a value is invalid.
    """
    given = {name: text for name, text in environ.items() if name.startswith("CAB_") and text != ""}
    stacked = _of_the_stack(given)
    texts = {
        field: stacked[name_of(field)]
        for field in Environment.model_fields
        if name_of(field) in stacked
    }
    unusable = _unusable(texts)
    usable = {field: text for field, text in texts.items() if field not in unusable}
    current = Environment.model_validate(usable)
    problems = _misspelt(given) + [
        f"{name_of(field)}={_shown(field, texts[field])} {why}" for field, why in unusable.items()
    ]
    # On a cluster no stack sets missing variables, so list them in the same message
    if problems and current.env == "cluster":
        problems += [each for each in current.lacking() if not _names(each, unusable)]
    return current if not problems else _reject(problems)


def _unusable(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with an invalid text, each with the reason."""
    try:
        Environment.model_validate(texts)
    except ValidationError as error:
        return {str(each["loc"][0]): str(each["ctx"]["error"]) for each in error.errors()}
    return {}


def _names(problem: str, fields: Iterable[str]) -> bool:
    return any(name_of(field) in problem for field in fields)


def _shown(field: str, text: str) -> str:
    return "…" if Environment.is_secret(field) else without_secrets(text)


def _of_the_stack(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the embedded stack's file, overridden by those in `given`.

    A Spark that the user configured replaces the stack's Spark.
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
        f"unknown variable {name}; did you mean {match[0]}?"
        for name, match in near.items()
        if match
    ]


def _reject(problems: list[str]) -> Any:
    raise BadEnvironment("\n".join(problems))
