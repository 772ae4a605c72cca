"""The command `cab`."""

import json
import os
import shlex
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cab_assets import environment
from cab_assets.cli.asking import settings, variables
from cab_assets.cli.declare import declaring
from cab_assets.cli.operators import operators
from cab_assets.cli.samples import samples
from cab_assets.environment import Environment
from cab_assets.errors import terminal_message
from cab_assets.settings import CHECKOUT
from cab_assets.variables import exact


class _Plain(TyperGroup):
    """A group whose commands print one message on any error, and no traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        # Unexpected errors get a message too; their traceback goes to a file
        except Exception as error:  # noqa: BLE001
            typer.echo(
                terminal_message(
                    error, " ".join(["cab", *(options.get("args") or sys.argv[1:])[:1]])
                ),
                err=True,
            )
            sys.exit(1)


app = typer.Typer(
    cls=_Plain,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Load the bookings and clicks of a cab company into Hive tables.",
)
app.add_typer(operators)
app.add_typer(samples)
app.add_typer(declaring)


@app.command()
def up() -> None:
    """Start the embedded servers and wait until all of them answer.

    Does nothing if they already run.
    """
    # Imported late: the clients of the servers take half a second, which `cab env` does not need
    from cab_assets.dev.stack import lifecycle

    home = settings().home
    lifecycle.up(home, typer.echo)
    typer.echo(f"The embedded stack is up. Its state is in {home}; `cab env` prints its addresses.")


@app.command()
def down(
    wipe: Annotated[
        bool,
        typer.Option(
            "--wipe", help="Also delete all data: database, tables, lake, Dagster's runs."
        ),
    ] = False,
) -> None:
    """Stop the embedded servers and wait until all of them have ended. Their data stays."""
    from cab_assets.dev.stack import lifecycle

    home = settings().home
    lifecycle.down(home, wipe=wipe)
    typer.echo(
        f"The embedded stack is down; its data in {home} is {'deleted' if wipe else 'kept'}."
    )


@app.command()
def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of objects, for programs.")
    ] = False,
) -> None:
    """Show each server of the embedded stack. The exit code is 0 only if all of them answer."""
    from cab_assets.dev.stack.status import status, table

    statuses = status(settings().home)
    typer.echo(
        json.dumps([asdict(each) for each in statuses], indent=2) if as_json else table(statuses)
    )
    raise typer.Exit(0 if all(each.answers for each in statuses) else 1)


@app.command()
def env() -> None:
    """Print every variable with its effective value, secrets too, as KEY=value lines for a shell.

    Usage: set -a; . <(cab env)
    """
    current = settings()
    values = {
        environment.name_of(each): getattr(current, each) for each in Environment.model_fields
    }
    values["DAGSTER_HOME"] = os.environ.get("DAGSTER_HOME") or current.dagster_home
    typer.echo(
        "\n".join(
            f"{name}={shlex.quote(exact(value) if isinstance(value, float) else str(value))}"
            for name, value in values.items()
            if value is not None
        )
    )


@app.command()
def doctor() -> None:
    """Check every server with the effective settings, and print what to fix.

    The exit code is 0 only if all checks pass.
    """
    from cab_assets.cli.doctor import examine, shown

    env = settings()
    typer.echo("\n".join(shown(env)) + "\n")
    raise typer.Exit(0 if examine(env, typer.echo) else 1)


@app.command()
def query(sql: Annotated[str, typer.Argument(help="One statement, without a semicolon.")]) -> None:
    """Run a statement through HiveServer2 and print its rows, tab-separated."""
    from cab_assets.wiring import Clients

    with Clients(settings().ready()) as clients:
        rows = clients.hive.execute(sql)
    for row in rows:
        typer.echo("\t".join("NULL" if value is None else str(value) for value in row))


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(help="Port of the Dagster UI; if it is in use, the next free one.")
    ] = 3000,
) -> None:
    """Start the embedded stack if it is down, then Dagster: UI, daemon, schedules and sensors.

    Ctrl-C stops Dagster. The servers of the stack stay up.
    """
    from cab_assets.dev.stack import lifecycle, ports

    home = settings().home
    lifecycle.up(home, typer.echo)
    free = ports.free(port)
    typer.echo(f"Dagster: http://127.0.0.1:{free}")
    os.chdir(CHECKOUT)
    command = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "-w",
        "workspace.yaml",
        "-h",
        "127.0.0.1",
        "-p",
        str(free),
    ]
    os.execve(sys.executable, command, variables(settings()))  # noqa: S606
