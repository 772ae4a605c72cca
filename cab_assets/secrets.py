"""Secrets in the addresses of servers."""

import re

NAMES = (
    r"[\w.-]*(?:pass|pwd|token|secret|credential|authorization|signature|cookie"
    r"|(?:api|access).?key)[\w.-]*"
)
PARAMETER = re.compile(rf"(?i)(?<=[?&;])({NAMES})=[^&;\s]+")
# The text between the colon after a user and the last @: a password may contain unescaped / and @.
# A number after the colon is a port.
PASSWORD = re.compile(r"((?:^|//)[^:/@\s\[]*):(?!//|\d+(?:[/;?,\s]|$))\S*@")


def without_secrets(text: str) -> str:
    """Return the text with passwords, tokens and keys in its addresses replaced by `…`.

    >>> without_secrets("mysql://cab:hunter2@db/rides?password=hunter2&x=1")
    'mysql://cab:…@db/rides?password=…&x=1'
    """
    return PASSWORD.sub(r"\1:…@", PARAMETER.sub(r"\1=…", text))
