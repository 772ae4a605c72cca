"""What goes wrong with HiveServer2, by name."""

import re
from pathlib import Path
from typing import Protocol

from pyhive.exc import Error as PyHiveError

from cab_assets.clients.failures import failure
from cab_assets.clients.hive_text import said
from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError, Unavailable

NO_TABLE = r"TABLE_OR_VIEW_NOT_FOUND|Table not found"  # Spark, Apache Hive
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
    """What an error says of the server that it is of."""

    host: str
    port: int
    user: str
    ca: Path | None
    lake: str | None  # root of the lake: an error that names it is about the lake


def named(error: Exception, server: Server) -> CabError:
    """Return an error of PyHive, of Thrift or of the network by name, with what to do."""
    where = f"HiveServer2 at {server.host}:{server.port}"
    if isinstance(error, PyHiveError):
        text = said(error)
        otherwise = NoSuchTable if re.search(NO_TABLE, text) else HiveRefused
        return failure(f"{where} refused", text, otherwise, server.lake)
    told = f"{error} {getattr(error, 'inner', '')}"
    if NOT_LET_IN in told:
        remedy = "check the user in CAB_HIVE_URL, and CAB_HIVE_PASSWORD"
        return HiveRefused(f"{where} does not let {server.user} in; {remedy}")
    if NOT_TRUSTED in told:
        return HiveRefused(f"{where} has a certificate of nobody in {server.ca}; check CAB_HIVE_CA")
    if NO_PASSWORDS in told:
        return HiveRefused(f"{where} wants Kerberos; add ?auth=KERBEROS to CAB_HIVE_URL")
    return HiveUnavailable(f"{where} does not answer ({error}); see `cab doctor`, then run again")
