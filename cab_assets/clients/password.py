"""The password of the rides' database: given, or kept in AWS Secrets Manager under a name."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cab_assets.clients.deadline import within
from cab_assets.errors import CabError, Unavailable

ANSWER_TIMEOUT_SECONDS = 20
TRIES = 2
REMEDY = "check CAB_BOOKINGS_DB_SECRET, the region and the rights of this machine's AWS identity"


class SecretUnavailable(Unavailable):
    """Secrets Manager cannot be reached, or does not answer in time."""


class SecretRefused(CabError):
    """There is no such secret for this AWS identity, or it holds no password."""


@dataclass
class Password:
    """A password, read on first use, and again when a server says that it is wrong (rotation)."""

    read: Callable[[], str] = field(repr=False)
    _known: str | None = field(default=None, init=False, repr=False)

    @property
    def text(self) -> str:
        if self._known is None:
            self._known = self.read()
        return self._known

    def renew(self) -> bool:
        """Read it anew; true if it is another one now."""
        before, self._known = self.text, self.read()
        return self._known != before


def given(text: str) -> Password:
    return Password(lambda: text)


def secrets_manager() -> Any:
    """Return a client of AWS Secrets Manager for the identity and region of this machine."""
    import boto3  # only here: every command would wait for AWS's libraries
    from botocore.config import Config

    return boto3.client("secretsmanager", config=Config(retries={"max_attempts": TRIES}))


def kept(name: str, client: Callable[[], Any] = secrets_manager) -> Password:
    """Return the secret of that name or ARN: its text, or `password` of the JSON that RDS keeps.

    Reading it raises SecretUnavailable or SecretRefused.
    """
    return Password(lambda: _password(name, _secret(name, client)))


def _secret(name: str, client: Callable[[], Any]) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        manager = client()  # in this thread, for what it imports
        answer = within(ANSWER_TIMEOUT_SECONDS, lambda: manager.get_secret_value(SecretId=name))
        return str(answer["SecretString"])
    except ClientError as error:
        raise SecretRefused(
            f"AWS Secrets Manager does not give {name}:"
            f" {error.response['Error'].get('Message', error)}; {REMEDY}"
        ) from None
    except (BotoCoreError, TimeoutError) as error:
        raise SecretUnavailable(
            f"AWS Secrets Manager cannot be asked for {name}: {error}; {REMEDY}"
        ) from None
    except KeyError:
        raise SecretRefused(
            f"the secret {name} is binary; keep the password as text, or as JSON with the key"
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
        raise SecretRefused(f"the secret {name} is JSON without a text under the key password")
    return password
