"""The password of the source database: as a variable, or a secret in AWS Secrets Manager."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from cab_assets.clients.deadline import within
from cab_assets.errors import CabError, Unavailable

# Time-out of reading a secret, over all attempts
ANSWER_TIMEOUT_SECONDS = 20
# Retries of AWS's client, for each call
TRIES = 2
REMEDY = (
    "check CAB_BOOKINGS_DB_SECRET, the region and the permissions of this machine's AWS identity"
)


class SecretUnavailable(Unavailable):
    """Secrets Manager cannot be reached, or does not answer in time."""


class SecretRefused(CabError):
    """There is no such secret for this AWS identity, or it holds no password."""


@dataclass
class Password:
    """A password that is read on first use, and again after a failed login (rotation)."""

    read: Callable[[], str] = field(repr=False)
    _known: str | None = field(default=None, init=False, repr=False)
    # One thread reads; the others wait for what it gets
    _reading: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        with self._reading:
            if self._known is None:
                self._known = self.read()
            return self._known

    def renew(self, tried: str) -> bool:
        """Return whether there is another password than `tried`; read it again if need be."""
        with self._reading:
            if self._known in (None, tried):
                self._known = self.read()
            return self._known != tried


def given(text: str) -> Password:
    return Password(lambda: text)


def secrets_manager() -> Any:
    """Return a client of AWS Secrets Manager for the identity and region of this machine."""
    # Imported only here: at module level, every command would wait for AWS's libraries
    import boto3
    from botocore.config import Config

    return boto3.client("secretsmanager", config=Config(retries={"max_attempts": TRIES}))


def kept(name: str, client: Callable[[], Any] = secrets_manager) -> Password:
    """Return the password in a secret with this name or ARN.

    It is the secret's text, or `password` in its JSON, as RDS stores it. Reading the password
    raises SecretUnavailable or SecretRefused.
    """
    return Password(lambda: _password(name, _secret(name, client)))


def _secret(name: str, client: Callable[[], Any]) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # In this thread, because it imports modules
        manager = client()
        answer = within(ANSWER_TIMEOUT_SECONDS, lambda: manager.get_secret_value(SecretId=name))
        return str(answer["SecretString"])
    except ClientError as error:
        raise SecretRefused(
            f"AWS Secrets Manager rejected the request for {name}:"
            f" {error.response['Error'].get('Message', error)}; {REMEDY}"
        ) from None
    except (BotoCoreError, TimeoutError) as error:
        raise SecretUnavailable(
            f"the request to AWS Secrets Manager for {name} failed: {error}; {REMEDY}"
        ) from None
    except KeyError:
        raise SecretRefused(
            f"the secret {name} is binary; store the password as text, or as JSON with the key"
            " password"
        ) from None


def _password(name: str, secret: str) -> str:
    try:
        members = json.loads(secret)
    except ValueError:
        return secret
    if not isinstance(members, dict):
        return secret
    if not isinstance(password := members.get("password"), str):
        raise SecretRefused(
            f"the secret {name} is JSON without a text for the key password; store it there"
        )
    return password
