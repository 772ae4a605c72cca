"""The commands that generate data: `cab sample` and `cab demo`."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import agree, settings, variables
from cab_assets.environment import Environment

# At run time it is imported late: no other command needs it
if TYPE_CHECKING:
    from cab_assets.dev.sample.clicks import Feed

samples = typer.Typer()

HELP = """Load generated bookings into the source table, which is created if it is missing.

Or send generated clicks to Kafka.

The same options always generate the same rows, and only missing rows are inserted, so the command
can be repeated. Bookings that --amend corrected stay corrected; bookings that it deleted are
inserted again.

With --clicks or --rate, only clicks of these days are sent; with --rows-per-day, --amend or --file
too, bookings are loaded as well. The same options send the same clicks again: set another --seed to
send others.
"""
AMEND = "Change up to five of the existing days, and print which. Each call changes more."
POISON = "Share of malformed clicks: not JSON, latitude 95, the year 9999, …"
LATE = "Share of clicks that are up to three days older, but not before CAB_START_DATE."
ROWS = "Bookings of each day; the 10th and the 25th of a month have none."
RATE = "Clicks per second: --clicks in total, or until Ctrl-C if --clicks is not given."
NEXT_STEPS = (
    "Next: `make dev` opens Dagster; `.venv/bin/cab query"
    ' "SELECT * FROM booking_aggregates"` queries Hive; `make down` stops the servers.'
)


def _per_second(text: str) -> float:
    """Parse a rate: 500 or 500/s."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/s)?", text)
    if not found or float(found[1]) == 0:
        raise typer.BadParameter("must be a number above 0, such as 500/s")
    return float(found[1])


SHARES = "--poison, --late and --repeat are shares of --clicks or --rate, in total at most 1"
Days = Annotated[int, typer.Option(min=1, help="Number of days.")]
RowsPerDay = Annotated[
    int | None, typer.Option(min=1, max=3_000_000, show_default="1000", help=ROWS)
]
Seed = Annotated[int, typer.Option(min=0, help="Another number generates other rows.")]
Start = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The first day; the default is CAB_START_DATE."),
]
Amend = Annotated[bool, typer.Option("--amend", help=AMEND)]
File = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Load this file instead, as Sqoop writes it: 19 columns, no header.",
    ),
]
Clicks = Annotated[int, typer.Option(min=0, help="Number of clicks to send to Kafka.")]
Rate = Annotated[float | None, typer.Option(parser=_per_second, metavar="N/s", help=RATE)]
Poison = Annotated[float, typer.Option(min=0, max=1, help=POISON)]
Late = Annotated[float, typer.Option(min=0, max=1, help=LATE)]
Repeat = Annotated[
    float, typer.Option(min=0, max=1, help="Share of clicks that repeat an earlier click.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Do not ask before writing to a cluster (CAB_ENV=cluster).")
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

    agree(env, yes, f"Write generated bookings to {env.bookings_table} in {env.bookings_db_url}?")
    fill(env, *rows, typer.echo, amend=amend, file=file)


def _send(env: Environment, yes: bool, feed: "Feed", clicks: int, rate: float | None) -> None:
    from cab_assets.dev.sample.send import Pace, send_clicks, stopped_by_signals

    where = f"{env.clickstream_topic} at {env.kafka_bootstrap_servers}"
    agree(env, yes, f"Send generated clicks to {where}?")
    with stopped_by_signals() as stop:
        send_clicks(env, feed, clicks or None, Pace(rate, stop), typer.echo)


@samples.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=365, help="Number of days.")] = 30,
    yes: Yes = False,
) -> None:
    """Load sample bookings and clicks into Hive with Dagster, and compare Hive with the sources.

    Starts the embedded stack if it is down.
    """
    from cab_assets.dev import demo as showing
    from cab_assets.dev.demo_clicks import CLICKS, feed_and_drain
    from cab_assets.dev.sample import load

    typer.echo("1/5  start the servers")
    env = _servers(yes)
    first, last = env.start_date, env.start_date + timedelta(days - 1)
    typer.echo(f"2/5  load sample bookings of {days} days into the source")
    load.load_days(env, first, days, 1000, 1, typer.echo)
    job = "dagster job execute -m cab_assets.definitions -j bookings_daily"
    typer.echo(f"3/5  backfill {first} to {last}: {job}")
    showing.backfill(variables(env), first, last, _log(env), typer.echo)
    typer.echo("4/5  compare the tables with the source")
    showing.show(showing.compare(env, first, last), typer.echo)
    way = "1 % of them malformed; clickstream_sensor ingests them into Hive"
    typer.echo(f"5/5  send {CLICKS:,} clicks to Kafka, {way}")
    feed_and_drain(env, variables(env), days, typer.echo)
    if env.env == "embedded":
        typer.echo(NEXT_STEPS)


def _log(env: Environment) -> Path:
    logs = env.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs / "demo.log"


def _servers(yes: bool) -> Environment:
    """Start the embedded stack, or check that each server of a cluster answers."""
    from cab_assets.cli.doctor import examine
    from cab_assets.dev.stack import lifecycle

    env = settings()
    if env.env == "embedded":
        lifecycle.up(env.home, typer.echo)
        return settings().ready()
    rides = f"generated bookings to {env.bookings_table} in {env.bookings_db_url}"
    agree(env, yes, f"Write {rides}, and clicks to {env.clickstream_topic}?")
    if not examine(env, typer.echo):
        raise typer.Exit(1)
    return env
