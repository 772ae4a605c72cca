"""CAB_HOME: the folder with all files of one embedded stack, and nothing else."""

import os
import re
import secrets
import shutil
from pathlib import Path

from cab_assets.dev.stack.errors import UnusableHome
from cab_assets.environment import STACK_ENV

CONFIG = "supervisord.conf"
# The name of a file, not a password
PASSWORD = "password"  # noqa: S105
PORTS = "ports.json"
# The files and folders of a stack. CONFIG is deleted last, because it marks the home of a stack
CONTENTS = (
    "postgres",
    "kafka",
    "warehouse",
    "lake",
    "dagster",
    "logs",
    STACK_ENV,
    PASSWORD,
    PORTS,
    "supervisord.pid",
    CONFIG,
)


def make(home: Path) -> None:
    """Create the folder if it is missing, readable only by its owner."""
    if odd := set(re.sub(r"[\w ./@+=~-]", "", str(home))):
        raise UnusableHome(
            f"CAB_HOME={home} contains {' '.join(sorted(odd))}, which some servers do not accept in"
            " a path; choose a path without these characters."
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "lake", "dagster"):
            (home / name).mkdir(exist_ok=True)
        _make_password(home / PASSWORD)
    except OSError as error:
        raise UnusableHome(
            f"CAB_HOME={home} cannot be created: {error.strerror}. Set CAB_HOME to a folder that"
            " you may write to."
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write the text atomically, to a file that only its owner can read."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def password(home: Path) -> str:
    """Return the stack's password; empty if no stack was ever started here."""
    file = home / PASSWORD
    return file.read_text() if file.exists() else ""


def _make_password(file: Path) -> None:
    # Only once: the database keeps the password of its first start
    if not file.exists():
        write_private(file, secrets.token_urlsafe(24))


def wipe(home: Path) -> None:
    """Delete all data of the stack.

    Other files stay. Raises UnusableHome if the folder is not the home of a stack.
    """
    if not (home / CONFIG).exists():
        if any(home.iterdir()):
            raise UnusableHome(
                f"{home} is not the home of a stack (it has no {CONFIG}); nothing was deleted."
                " Check CAB_HOME."
            )
        return
    for name in CONTENTS:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
