"""CAB_HOME: the folder that holds all of one embedded stack, and nothing else."""

import os
import re
import secrets
import shutil
from pathlib import Path

from cab_assets.dev.stack.errors import UnusableHome
from cab_assets.environment import STACK_ENV

CONFIG = "supervisord.conf"
PASSWORD = "password"  # noqa: S105  (the name of its file)
PORTS = "ports.json"
# CONFIG last: it marks a home
OURS = (
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
    """Create the folder if it is missing, readable by its owner alone."""
    if odd := set(re.sub(r"[\w ./@+=~-]", "", str(home))):
        raise UnusableHome(
            f"CAB_HOME={home} holds {' '.join(sorted(odd))}, which not every server can be told;"
            " choose a plainer path."
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "lake", "dagster"):
            (home / name).mkdir(exist_ok=True)
        _make_password(home / PASSWORD)
    except OSError as error:
        raise UnusableHome(
            f"CAB_HOME={home} cannot be made: {error.strerror}. Set CAB_HOME to a folder that you"
            " may write to."
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write the text in one step: the file is complete, and its owner's alone, at any instant."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def password(home: Path) -> str:
    """Return the stack's password; empty if there never was a stack."""
    file = home / PASSWORD
    return file.read_text() if file.exists() else ""


def _make_password(file: Path) -> None:
    if not file.exists():  # once: the database knows it from its first start on
        write_private(file, secrets.token_urlsafe(24))


def wipe(home: Path) -> None:
    """Delete all data.

    Files of others stay, and a folder that never was a stack's home is not touched at all.
    """
    if not (home / CONFIG).exists():
        if any(home.iterdir()):
            raise UnusableHome(
                f"{home} is not the home of a stack (it has no {CONFIG}); nothing was deleted."
                " Check CAB_HOME."
            )
        return
    for name in OURS:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
