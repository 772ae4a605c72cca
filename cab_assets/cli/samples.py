"""The commands that make data up: `cab sample` and `cab demo`."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import agree, settings, variables
from cab_assets.environment import Environment

if TYPE_CHECKING:  # else imported late: no other command needs it
    from cab_assets.dev.sample.clicks import Feed

samples = typer.Typer()

HELP = """Fill the table of bookings, made if it is missing, with made-up rides.

Or send made-up clicks to Kafka.

The same options always give the same rows, and loading inserts those that are missing: load again,
or more days, at will. What --amend corrects stays corrected then; what it deletes comes back.

With --clicks or --rate only clicks are sent, of the same days; both, if --rows-per-day, --amend or
--file is there too. The same options send the same clicks again: use another --seed for others.
"""
AMEND = "Change up to five of the days that are there, and show which; each call changes more."
POISON = "Share of the clicks that cannot be used: no JSON, lat 95, the year 9999, …"
LATE = "Share that is up to three days older, but never before CAB_START_DATE."
ROWS = "Bookings of each day; the 10th and the 25th of a month have none."
RATE = "Send so many a second: --clicks in all, or until Ctrl-C without --clicks."
LOOK_AROUND = (
    "Look around: `make dev` opens Dagster; `.venv/bin/cab query"
    ' "SELECT * FROM booking_aggregates"` asks Hive; `make down` stops the servers.'
)


def _per_second(text: str) -> float:
    """Read a rate: 500 or 500/s."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/s)?", text)
    if not found or float(found[1]) == 0:
        raise typer.BadParameter("must be a number above 0, as in 500/s")
    return float(found[1])


SHARES = "--poison, --late and --repeat are shares of --clicks or --rate, together at most 1"
Days = Annotated[int, typer.Option(min=1, help="How many days.")]
RowsPerDay = Annotated[
    int | None, typer.Option(min=1, max=3_000_000, show_default="1000", help=ROWS)
]
Seed = Annotated[int, typer.Option(min=0, help="Another number gives other rows.")]
Start = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The first day; default CAB_START_DATE."),
]
Amend = Annotated[bool, typer.Option("--amend", help=AMEND)]
File = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Load this file of Sqoop's instead: 19 columns, no header.",
    ),
]
Clicks = Annotated[int, typer.Option(min=0, help="Send so many clicks to Kafka.")]
Rate = Annotated[float | None, typer.Option(parser=_per_second, metavar="N/s", help=RATE)]
Poison = Annotated[float, typer.Option(min=0, max=1, help=POISON)]
Late = Annotated[float, typer.Option(min=0, max=1, help=LATE)]
Repeat = Annotated[
    float, typer.Option(min=0, max=1, help="Share that is an earlier click, sent again.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Do not ask before writing where CAB_ENV=cluster.")
]


@samples.command(help=HELP)
def sample(
    days: Days = 30,
    rows_per_day: RowsPerDay = None,
    seed: Seed = 1,
    start: Start = None,
    amend: Amend = False,
    file: File = None,
    clicks: Clicks = 0,
    rate: Rate = None,
    poison: Poison = 0,
    late: Late = 0,
    repeat: Repeat = 0,
    yes: Yes = False,
) -> None:
    from cab_assets.dev.sample.clicks import Feed

    if file and amend:
        raise typer.BadParameter("--file and --amend exclude each other")
    shares = {"poison": poison, "late": late, "repeat": repeat}
    if sum(shares.values()) > (1 if clicks or rate else 0):
        raise typer.BadParameter(SHARES)
    env = settings()
    first = start.date() if start else env.start_date
    if rows_per_day or amend or file or not (clicks or rate):
        _fill(env, yes, (first, days, rows_per_day or 1000, seed), amend=amend, file=file)
    if clicks or rate:
        feed = Feed(
            seed=seed, start=first, days=days, earliest=min(first, env.start_date), **shares
        )
        _send(env, yes, feed, clicks, rate)


def _fill(
    env: Environment, yes: bool, rows: tuple[date, int, int, int], *, amend: bool, file: Path | None
) -> None:
    from cab_assets.dev.sample.fill import fill

    agree(env, yes, f"Write made-up rides to {env.bookings_table} in {env.bookings_db_url}?")
    fill(env, *rows, typer.echo, amend=amend, file=file)


def _send(env: Environment, yes: bool, feed: "Feed", clicks: int, rate: float | None) -> None:
    from cab_assets.dev.sample.send import Pace, send_clicks, stopped_by_signals

    where = f"{env.clickstream_topic} at {env.kafka_bootstrap_servers}"
    agree(env, yes, f"Send made-up clicks to {where}?")
    with stopped_by_signals() as stop:
        send_clicks(env, feed, clicks or None, Pace(rate, stop), typer.echo)


@samples.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days.")] = 30, yes: Yes = False
) -> None:
    """Bring sample bookings and clicks into Hive through Dagster, and compare with the sources.

    The embedded stack is started for it.
    """
    from cab_assets.dev import demo as showing
    from cab_assets.dev.demo_clicks import CLICKS, feed_and_drain
    from cab_assets.dev.sample import load

    typer.echo("1/5  the servers")
    env = _servers(yes)
    first, last = env.start_date, env.start_date + timedelta(days - 1)
    typer.echo(f"2/5  sample rides of {days} days in the source")
    load.load_days(env, first, days, 1000, 1, typer.echo)
    job = "dagster job execute -m cab_assets.definitions -j bookings_daily"
    typer.echo(f"3/5  backfill {first} to {last}: {job}")
    showing.backfill(variables(env), first, last, _log(env), typer.echo)
    typer.echo("4/5  the tables against the source")
    showing.show(showing.compare(env, first, last), typer.echo)
    way = "1 % of them poison, and from there into Hive by clickstream_sensor"
    typer.echo(f"5/5  {CLICKS:,} clicks into Kafka, {way}")
    feed_and_drain(env, variables(env), days, typer.echo)
    if env.env == "embedded":
        typer.echo(LOOK_AROUND)


def _log(env: Environment) -> Path:
    logs = env.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs / "demo.log"


def _servers(yes: bool) -> Environment:
    """Start the embedded stack, or see that each server of a cluster answers."""
    from cab_assets.cli.doctor import examine
    from cab_assets.dev.stack import lifecycle

    env = settings()
    if env.env == "embedded":
        lifecycle.up(env.home, typer.echo)
        return settings().ready()
    rides = f"made-up rides to {env.bookings_table} in {env.bookings_db_url}"
    agree(env, yes, f"Write {rides}, and clicks to {env.clickstream_topic}?")
    if not examine(env, typer.echo):
        raise typer.Exit(1)
    return env
