"""The commands for operators of the clickstream."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import settings

# At run time it is imported late: the import takes half a second, which other commands do not need
if TYPE_CHECKING:
    from cab_assets.cli.clickstream import Sides

operators = typer.Typer()


def _day(text: str) -> str:
    """Return the text if it is a day. Raise BadParameter if it is not."""
    from cab_assets.store.calendar import is_day

    if is_day(text):
        return text
    raise typer.BadParameter(f"{text!r} must be an existing day in the form YYYY-MM-DD")


@operators.command()
def lag(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object, for programs.")
    ] = False,
) -> None:
    """Show the end offsets of the topic of clicks, and how far they are committed."""
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
            help="Only records of this ingest date; can be repeated.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Only records that were rejected for this reason, such as lat_unusable."),
    ] = None,
) -> None:
    """Validate rejected records again with the current rules and commit those that now pass.

    They are in `clickstream` at once, with their original position, and leave `rejects` with the
    next fold.
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
                "The first record that Spark cannot read. This record and all such records after it"
                " are skipped."
            ),
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Acknowledge that Kafka deleted unread records, and continue after them."""
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
    """Parse a position: 3:105 is offset 105 of partition 3."""
    if not (found := re.fullmatch(r"(\d+):(\d+)", text)):
        raise typer.BadParameter(
            "must be a partition and an offset, such as 3:105", param_hint="--record"
        )
    return int(found[1]), int(found[2])


@contextmanager
def _clickstream() -> Iterator["Sides"]:
    from cab_assets.cli.clickstream import Sides

    env = settings().ready()
    # The commands log their batches in this Dagster instance
    os.environ.setdefault("DAGSTER_HOME", str(env.dagster_home))
    with closing(Sides(env)) as sides:
        yield sides
