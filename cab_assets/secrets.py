"""Secrets in the addresses of servers."""

import re

NAMES = (
    r"[\w.-]*(?:pass|pwd|token|secret|credential|authorization|signature|cookie"
    r"|(?:api|access).?key)[\w.-]*"
)
PARAMETER = re.compile(rf"(?i)(?<=[?&;])({NAMES})=[^&;\s]+")
# After a user and a colon, up to the last @: a password may hold unescaped / and @.
# What begins as a port does is one.
PASSWORD = re.compile(r"((?:^|//)[^:/@\s\[]*):(?!//|\d+(?:[/;?,\s]|$))\S*@")


def without_secrets(text: str) -> str:
    """Return a text as it may be shown: its addresses without passwords, tokens and keys.

    >>> without_secrets("mysql://cab:hunter2@db/rides?password=hunter2&x=1")
    'mysql://cab:…@db/rides?password=…&x=1'
    """
    return PASSWORD.sub(r"\1:…@", PARAMETER.sub(r"\1=…", text))
