"""The command `cab declare`."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import settings

if TYPE_CHECKING:
    from cab_assets.declare.text import Declaration

declaring = typer.Typer()


@declaring.command()
def declare(
    source: Annotated[
        str | None, typer.Argument(help="Table, view or schema.table, as the database spells it.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="The date or timestamp whose date is the day of a row.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the Hive table.")] = None,
    key: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns that identify a row.")
    ] = None,
    partition: Annotated[str | None, typer.Option(help="Name of the partition column.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to cab_assets/tables instead of printing it.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Replace an earlier declaration without asking.")
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show the tables of the database instead.")
    ] = False,
) -> None:
    """Print the declaration of a table of the source database, made from its catalog."""
    # Imported late: SQLAlchemy takes a quarter of a second, which other commands do not need
    from cab_assets.declare import catalog, overview
    from cab_assets.declare.text import Wanted, declaration
    from cab_assets.tables import sources
    from cab_assets.wiring import Clients

    if not (source or show_list):
        raise typer.BadParameter("name a table, or use --list", param_hint="SOURCE")
    with closing(Clients(settings().ready())) as clients:
        db = clients.bookings_db
        with catalog.inspecting(db) as inspector:
            if show_list or source is None:
                known = {db.of(each).table: each for each in sources()}
                typer.echo(overview.shown(overview.overview(inspector, known)))
                return
            relation = catalog.relation(inspector, source)
    wanted = Wanted(name, day, tuple(key.split(",")) if key else None, partition)
    declared = declaration(relation, wanted)
    if write:
        _write(declared, yes=yes)
    else:
        typer.echo(declared.text(), nl=False)
    if declared.source_day not in relation.indexed:
        typer.echo(
            f"No index begins with {declared.source_day}, so each day reads the whole table. To"
            f" make one: CREATE INDEX ON {relation.name} ({declared.source_day})",
            err=True,
        )


def _write(declared: "Declaration", *, yes: bool) -> None:
    from cab_assets.declare.place import Place

    place = Place()
    path, difference = place.module(declared), place.difference(declared)
    if path.exists() and difference:
        typer.echo(difference)
        if not (yes or typer.confirm(f"Replace {path}?")):
            typer.echo("Nothing was changed.")
            return
    place.write(declared)
    typer.echo(
        f"{path} declares {declared.name}. To import a day: dagster job execute -m"
        f" cab_assets.definitions -j {declared.name}_daily --tags"
        ' \'{"dagster/partition": "YYYY-MM-DD"}\''
    )
