"""The command `cab`."""

import json
import os
import shlex
from dataclasses import asdict, fields
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cab_assets import environment
from cab_assets.environment import BadEnvironment, Environment
from cab_assets.errors import CabError


class _Plain(TyperGroup):
    """A group whose commands end in one sentence on an error of ours; a traceback is left to mistakes in the code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BadEnvironment, CabError) as error:
            typer.echo(error, err=True)
            raise typer.Exit(1) from error


app = typer.Typer(cls=_Plain, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Rides and clicks of a cab company.")


@app.command()
def up() -> None:
    """Start the embedded stack, and return when every server answers. Again: does nothing."""
    from cab_assets.stack import lifecycle  # clients of the servers: half a second that `cab env` does not need

    home = _environment().home
    lifecycle.up(home, typer.echo)
    typer.echo(f"The embedded stack is up. Its state is in {home}; `cab env` prints how to reach it.")


@app.command()
def down(wipe: Annotated[bool, typer.Option("--wipe", help="Also delete all of its data: database, tables, lake, Dagster's runs.")] = False) -> None:
    """Stop the embedded stack, and return when nothing of it is running. Its data stays."""
    from cab_assets.stack import lifecycle

    home = _environment().home
    lifecycle.down(home, wipe=wipe)
    typer.echo(f"The embedded stack is down; its data in {home} is {'deleted' if wipe else 'kept'}.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of objects.")] = False) -> None:
    """Show each server of the embedded stack; exit code 0 only if all of them answer."""
    from cab_assets.stack.status import status, table

    standings = status(_environment().home)
    typer.echo(json.dumps([asdict(each) for each in standings], indent=2) if as_json else table(standings))
    raise typer.Exit(0 if all(each.answers for each in standings) else 1)


@app.command()
def env() -> None:
    """Print every variable with its value in force, secrets too, as KEY=value lines for a shell: set -a; . <(cab env)"""
    current = _environment()
    values = {environment.name_of(each): getattr(current, each.name) for each in fields(Environment)}
    values["DAGSTER_HOME"] = os.environ.get("DAGSTER_HOME") or current.dagster_home
    typer.echo("\n".join(f"{name}={shlex.quote(str(value))}" for name, value in values.items() if value is not None))


def _environment() -> Environment:
    return environment.read(os.environ)
