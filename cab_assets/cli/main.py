"""The command `cab`."""

import json
import os
import re
import shlex
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cab_assets import environment
from cab_assets.cli.operators import operators
from cab_assets.environment import Environment
from cab_assets.errors import told


class _Plain(TyperGroup):
    """A group whose commands end in one sentence on any error."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except Exception as error:  # noqa: BLE001  what is not ours is named
            typer.echo(
                told(error, " ".join(["cab", *(options.get("args") or sys.argv[1:])[:1]])), err=True
            )
            sys.exit(1)


def _per_second(text: str) -> float:
    """500 or 500/s."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/s)?", text)
    if not found or float(found[1]) == 0:
        raise typer.BadParameter("must be a number above 0, as in 500/s")
    return float(found[1])


app = typer.Typer(
    cls=_Plain,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Rides and clicks of a cab company.",
)
app.add_typer(operators)


@app.command()
def up() -> None:
    """Start the embedded stack, and return when every server answers. Again: does nothing."""
    from cab_assets.dev.stack import (
        lifecycle,
    )  # clients of the servers: half a second that `cab env` does not need

    home = _environment().home
    lifecycle.up(home, typer.echo)
    typer.echo(
        f"The embedded stack is up. Its state is in {home}; `cab env` prints how to reach it."
    )


@app.command()
def down(
    wipe: Annotated[
        bool,
        typer.Option(
            "--wipe", help="Also delete all of its data: database, tables, lake, Dagster's runs."
        ),
    ] = False,
) -> None:
    """Stop the embedded stack, and return when nothing of it is running. Its data stays."""
    from cab_assets.dev.stack import lifecycle

    home = _environment().home
    lifecycle.down(home, wipe=wipe)
    typer.echo(
        f"The embedded stack is down; its data in {home} is {'deleted' if wipe else 'kept'}."
    )


@app.command()
def status(
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: a list of objects.")
    ] = False,
) -> None:
    """Show each server of the embedded stack; exit code 0 only if all of them answer."""
    from cab_assets.dev.stack.status import status, table

    statuses = status(_environment().home)
    typer.echo(
        json.dumps([asdict(each) for each in statuses], indent=2) if as_json else table(statuses)
    )
    raise typer.Exit(0 if all(each.answers for each in statuses) else 1)


@app.command()
def env() -> None:
    """Print every variable with its value in force, secrets too, as KEY=value lines for a shell:
    set -a; . <(cab env)
    """
    current = _environment()
    values = {
        environment.name_of(each): getattr(current, each) for each in Environment.model_fields
    }
    values["DAGSTER_HOME"] = os.environ.get("DAGSTER_HOME") or current.dagster_home
    typer.echo(
        "\n".join(
            f"{name}={shlex.quote(str(value))}"
            for name, value in values.items()
            if value is not None
        )
    )


@app.command()
def sample(
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 30,
    rows_per_day: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=3_000_000,
            show_default="1000",
            help="Bookings of each day; the 10th and the 25th of a month have none.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number gives other rows.")] = 1,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day; default CAB_START_DATE."),
    ] = None,
    amend: Annotated[
        bool,
        typer.Option(
            "--amend",
            help=(
                "Change up to five of the days that are there, and show which; each call changes"
                " more."
            ),
        ),
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Load this file of Sqoop's instead: 19 columns, no header.",
        ),
    ] = None,
    clicks: Annotated[int, typer.Option(min=0, help="Send so many clicks to Kafka.")] = 0,
    rate: Annotated[
        float | None,
        typer.Option(
            parser=_per_second,
            metavar="N/s",
            help="Send so many a second: --clicks in all, or until Ctrl-C without --clicks.",
        ),
    ] = None,
    poison: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of the clicks that cannot be used: no JSON, lat 95, the year 9999, …",
        ),
    ] = 0,
    late: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share that is up to three days older, but never before CAB_START_DATE.",
        ),
    ] = 0,
    repeat: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is an earlier click, sent again.")
    ] = 0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before writing where CAB_ENV=cluster.")
    ] = False,
) -> None:
    """Fill the table of bookings, made if it is missing, with made-up rides.

    Or send made-up clicks to Kafka.

    The same options always give the same rows, and loading inserts those that are missing: load
    again, or more days, at will. What --amend corrects stays corrected then; what it deletes comes
    back.

    With --clicks or --rate only clicks are sent, of the same days; both, if --rows-per-day, --amend
    or --file is there too. The same options send the same clicks again: use another --seed for
    others.
    """
    from cab_assets.dev.sample.clicks import Feed
    from cab_assets.dev.sample.fill import fill
    from cab_assets.dev.sample.send import Pace, send_clicks, stopped_by_signals

    if file and amend:
        raise typer.BadParameter("--file and --amend exclude each other")
    if poison + late + repeat > (1 if clicks or rate else 0):
        raise typer.BadParameter(
            "--poison, --late and --repeat are shares of --clicks or --rate, together at most 1"
        )
    current = _environment()
    first_day = start.date() if start else current.start_date
    if rows_per_day or amend or file or not (clicks or rate):
        _agreed(
            current,
            yes,
            f"Write made-up rides to {current.bookings_table} in {current.bookings_db_url}?",
        )
        fill(
            current, first_day, days, rows_per_day or 1000, seed, typer.echo, amend=amend, file=file
        )
    if clicks or rate:
        _agreed(
            current,
            yes,
            f"Send made-up clicks to {current.clickstream_topic} at"
            f" {current.kafka_bootstrap_servers}?",
        )
        earliest = min(first_day, current.start_date)
        feed = Feed(
            seed=seed,
            start=first_day,
            days=days,
            earliest=earliest,
            poison=poison,
            late=late,
            repeat=repeat,
        )
        with stopped_by_signals() as stop:
            send_clicks(current, feed, clicks or None, Pace(rate, stop), typer.echo)


def _agreed(env: Environment, yes: bool, question: str) -> None:
    if env.env == "cluster" and not yes:
        typer.confirm(question, abort=True)


@app.command()
def doctor() -> None:
    """Try every part with the settings in force, and show what to fix.

    Exit code 0 only if all of them work.
    """
    from cab_assets.cli.doctor import examine, settings

    env = _environment()
    typer.echo("\n".join(settings(env)) + "\n")
    raise typer.Exit(0 if examine(env, typer.echo) else 1)


@app.command()
def query(sql: Annotated[str, typer.Argument(help="One statement, without a semicolon.")]) -> None:
    """Run a statement through HiveServer2 and print its rows, tab-separated."""
    from cab_assets.wiring import Clients

    with Clients(_environment().ready()) as clients:
        rows = clients.hive.execute(sql)
    for row in rows:
        typer.echo("\t".join("NULL" if value is None else str(value) for value in row))


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days.")] = 30,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before writing where CAB_ENV=cluster.")
    ] = False,
) -> None:
    """Bring sample rides and clicks into Hive through Dagster, and hold the tables against the
    sources. The embedded stack is started for it.
    """
    from cab_assets.dev import demo as showing
    from cab_assets.dev.demo_clicks import CLICKS, feed_and_drain
    from cab_assets.dev.sample import load

    typer.echo("1/5  the servers")
    env = _servers(yes)
    logs = env.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    first, last = env.start_date, env.start_date + timedelta(days - 1)
    typer.echo(f"2/5  sample rides of {days} days in the source")
    load.load_days(env, first, days, 1000, 1, typer.echo)
    typer.echo(
        f"3/5  backfill {first} to {last}: dagster job execute -m cab_assets.definitions -j"
        " bookings_daily"
    )
    showing.backfill(_variables(env), first, last, logs / "demo.log", typer.echo)
    typer.echo("4/5  the tables against the source")
    showing.show(showing.compare(env, first, last), typer.echo)
    typer.echo(
        f"5/5  {CLICKS:,} clicks into Kafka, 1 % of them poison, and from there into Hive by"
        " clickstream_sensor"
    )
    feed_and_drain(env, _variables(env), days, typer.echo)
    if env.env == "embedded":
        typer.echo(
            'Look around: `make dev` opens Dagster; `.venv/bin/cab query "SELECT * FROM'
            ' booking_aggregates"` asks Hive; `make down` stops the servers.'
        )


def _servers(yes: bool) -> Environment:
    """The embedded stack, up; or those of a cluster, each of which answers."""
    from cab_assets.cli.doctor import examine
    from cab_assets.dev.stack import lifecycle

    env = _environment()
    if env.env == "embedded":
        lifecycle.up(env.home, typer.echo)
        return _environment().ready()
    _agreed(
        env,
        yes,
        f"Write made-up rides to {env.bookings_table} in {env.bookings_db_url}, and clicks to"
        f" {env.clickstream_topic}?",
    )
    if not examine(env, typer.echo):
        raise typer.Exit(1)
    return env


@app.command()
def dev(
    port: Annotated[
        int, typer.Option(help="Of the web interface; a free one if it is taken.")
    ] = 3000,
) -> None:
    """Start the stack if it is not up, then Dagster: web interface, daemon, schedules, sensors.
    Ctrl-C ends Dagster.
    """
    from cab_assets.dev.stack import lifecycle, ports

    home = _environment().home
    lifecycle.up(home, typer.echo)
    free = ports.free(port)
    typer.echo(f"Dagster: http://127.0.0.1:{free}")
    os.chdir(environment.CHECKOUT)
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
    os.execve(sys.executable, command, _variables(_environment()))  # noqa: S606


def _variables(env: Environment) -> dict[str, str]:
    """Our process environment, with DAGSTER_HOME in force."""
    return {"DAGSTER_HOME": str(env.dagster_home)} | dict(os.environ)


def _environment() -> Environment:
    return environment.read(os.environ)
