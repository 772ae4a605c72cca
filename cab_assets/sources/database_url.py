"""The address of the source database."""

import re
from urllib.parse import urlsplit

FORM = "postgresql://user@host:port/db or mysql://…, without a password"
# Parameters that are passed to libpq unchanged. Others are rejected: the pipeline itself sets the
# password, the encoding, the connection time-out and, from CAB_BOOKINGS_DB_CA, the trusted
# certificates.
OF_POSTGRESQL = {
    "application_name",
    "channel_binding",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
}
KNOWN: dict[str, set[str]] = {"postgresql": OF_POSTGRESQL, "mysql": set()}


def database_url(text: str) -> str:
    """Return the address without a trailing slash.

    Raise ValueError if it has another form, or a parameter that is not supported.
    """
    if not re.fullmatch(r"(mysql|postgresql)://[^:@/\s]+@[^@/\s]+/[^/?#\s]+/?(\?\S*)?", text):
        raise ValueError(f"must have the form {FORM}")
    address = urlsplit(text)
    _refuse_no_port(address.netloc.rpartition("@")[2])
    known = KNOWN[address.scheme]
    given = [each.partition("=")[0] for each in address.query.split("&") if each]
    if unknown := [name for name in given if name not in known]:
        takes = (
            f"allowed are {', '.join(sorted(known))}"
            if known
            else "an address of MySQL may have none"
        )
        raise ValueError(f"has the parameter {', '.join(unknown)}; {takes}")
    return text.rstrip("/")


def _refuse_no_port(hosts: str) -> None:
    """Raise ValueError for an invalid port. An address of PostgreSQL may have several hosts."""
    for host in re.sub(r"\[[^]]*\]", "", hosts).split(","):
        _, colon, port = host.partition(":")
        if colon and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 2**16):
            raise ValueError(f"has the port {port or '(none)'}; a port is a number from 1 to 65535")
