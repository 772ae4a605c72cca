"""What all commands share: the settings, and a question before they write to a cluster."""

import os

import typer

from cab_assets import environment
from cab_assets.environment import Environment


def settings() -> Environment:
    """Return the effective settings."""
    return environment.read(os.environ)


def variables(env: Environment) -> dict[str, str]:
    """Return this process's environment, with the effective DAGSTER_HOME."""
    return {"DAGSTER_HOME": str(env.dagster_home)} | dict(os.environ)


def agree(env: Environment, yes: bool, question: str) -> None:
    """Ask before writing to a cluster (CAB_ENV=cluster). End the command if the answer is no."""
    if env.env == "cluster" and not yes:
        typer.confirm(question, abort=True)
