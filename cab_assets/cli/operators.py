"""The commands of those who operate the clickstream."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import settings

if TYPE_CHECKING:  # else imported late: half a second that no other command needs
    from cab_assets.cli.clickstream import Sides

operators = typer.Typer()


def _day(text: str) -> str:
    """Return the day as it was written."""
    from cab_assets.daily.changes import is_day

    if is_day(text):
        return text
    raise typer.BadParameter(f"{text!r} must be a day of the calendar, as YYYY-MM-DD")


@operators.command()
def lag(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object.")] = False,
) -> None:
    """Show how far the topic of clicks is, and how far it is committed."""
    from cab_assets.cli import clickstream

    with _clickstream() as sides:
        report = clickstream.lag_report(sides)
    typer.echo(json.dumps(report.figures) if as_json else report.table)


@operators.command("replay-rejects")
def replay_rejects(
    date: Annotated[
        list[str] | None,
        typer.Option(
            parser=_day,
            metavar="YYYY-MM-DD",
            help="Only records of this ingest date; may be given again.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Only records that were refused for this reason, as in lat_unusable."),
    ] = None,
) -> None:
    """Read refused records again by today's rules, and commit those that can be used now.

    They leave `rejects` with the next fold and are in `clickstream` at once, each at the place it
    always had.
    """
    from cab_assets.cli import clickstream

    with _clickstream() as sides:
        clickstream.replay(sides, tuple(date) if date else None, reason, typer.echo)


@operators.command("accept-gap")
def accept_gap(
    record: Annotated[
        str | None,
        typer.Option(
            metavar="PARTITION:OFFSET",
            help=(
                "The first record that Spark cannot read; goes on after it, and after all such"
                " records behind it."
            ),
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Acknowledge that Kafka deleted records before they were read, and go on after them."""
    from cab_assets.cli import clickstream

    place = None if record is None else _place(record)
    with _clickstream() as sides:
        if place:
            clickstream.skip(
                sides, *place, lambda question: yes or typer.confirm(question), typer.echo
            )
        else:
            clickstream.accept(sides, lambda question: yes or typer.confirm(question), typer.echo)


def _place(text: str) -> tuple[int, int]:
    """Read a position: 3:105 is offset 105 of partition 3."""
    if not (found := re.fullmatch(r"(\d+):(\d+)", text)):
        raise typer.BadParameter(
            "must be a partition and an offset, as in 3:105", param_hint="--record"
        )
    return int(found[1]), int(found[2])


@contextmanager
def _clickstream() -> Iterator["Sides"]:
    from cab_assets.cli.clickstream import Sides

    env = settings().ready()
    os.environ.setdefault("DAGSTER_HOME", str(env.dagster_home))  # what is done is recorded there
    with closing(Sides(env)) as sides:
        yield sides
