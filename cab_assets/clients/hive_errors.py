"""Convert errors of HiveServer2 and of the connection to it to the pipeline's errors."""

import re
from pathlib import Path
from typing import Protocol

from pyhive.exc import Error as PyHiveError

from cab_assets.clients.failures import failure
from cab_assets.clients.hive_text import said
from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError, Unavailable

# The messages of Spark and of Apache Hive
NO_TABLE = r"TABLE_OR_VIEW_NOT_FOUND|Table not found"
NOT_LET_IN = "Error validating the login"
NOT_TRUSTED = "CERTIFICATE_VERIFY_FAILED"
NO_PASSWORDS = "Unsupported mechanism type PLAIN"


class HiveUnavailable(Unavailable):
    """HiveServer2 cannot be reached, or does not answer in time."""


class HiveRefused(Refused):
    """HiveServer2 answers a statement with an error."""


class NoSuchTable(HiveRefused):
    """A statement names a table or view that does not exist."""


class Server(Protocol):
    """The server that an error comes from, as the message names it.

    `lake` is the root of the lake: an error that names it is about the lake.
    """

    host: str
    port: int
    user: str
    ca: Path | None
    lake: str | None


def named(error: Exception, server: Server) -> CabError:
    """Return the pipeline's error for one of PyHive, Thrift or the network, with a remedy."""
    where = f"HiveServer2 at {server.host}:{server.port}"
    if isinstance(error, PyHiveError):
        text = said(error)
        otherwise = NoSuchTable if re.search(NO_TABLE, text) else HiveRefused
        return failure(f"{where} rejected the statement", text, otherwise, server.lake)
    told = f"{error} {getattr(error, 'inner', '')}"
    if NOT_LET_IN in told:
        remedy = "check the user in CAB_HIVE_URL, and CAB_HIVE_PASSWORD"
        return HiveRefused(f"{where} rejected the login of user {server.user}; {remedy}")
    if NOT_TRUSTED in told:
        return HiveRefused(
            f"the certificate of {where} is not trusted by {server.ca}, or is for another host"
            " name; check CAB_HIVE_CA and CAB_HIVE_URL"
        )
    if NO_PASSWORDS in told:
        return HiveRefused(f"{where} requires Kerberos; add ?auth=KERBEROS to CAB_HIVE_URL")
    return HiveUnavailable(f"{where} does not answer ({error}); see `cab doctor`, then run again")
