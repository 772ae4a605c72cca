"""The command `cab declare`."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from cab_assets.cli.asking import settings

if TYPE_CHECKING:
    from cab_assets.declare.catalog import SourceRelation
    from cab_assets.declare.text import Declaration

declaring = typer.Typer()

Source = Annotated[
    str | None, typer.Argument(help="Table, view or schema.table, as the database spells it.")
]
Day = Annotated[
    str | None, typer.Option(help="The date or timestamp whose date is the day of a row.")
]
Name = Annotated[str | None, typer.Option(help="Name of the Hive table.")]
Key = Annotated[str | None, typer.Option(metavar="A,B", help="Columns that identify a row.")]
Partition = Annotated[str | None, typer.Option(help="Name of the partition column.")]
Write = Annotated[
    bool, typer.Option("--write", help="Write it to cab_assets/tables instead of printing it.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Replace an earlier declaration without asking.")]
List = Annotated[bool, typer.Option("--list", help="Show the tables of the database instead.")]


@declaring.command()
def declare(
    source: Source = None,
    day: Day = None,
    name: Name = None,
    key: Key = None,
    partition: Partition = None,
    write: Write = False,
    yes: Yes = False,
    show_list: List = False,
) -> None:
    """Print the declaration of a table of the source database, made from its catalog."""
    # Imported late: SQLAlchemy takes a quarter of a second, which other commands do not need
    from cab_assets.declare.text import Wanted, declaration

    if show_list:
        typer.echo(_list())
        return
    if source is None:
        raise typer.BadParameter("name a table, or use --list", param_hint="SOURCE")
    wanted = Wanted(name, day, tuple(key.split(",")) if key else None, partition)
    declared = declaration(_relation(source), wanted)
    if write:
        _write(declared, yes=yes)
    else:
        typer.echo(declared.text(), nl=False)
    if hint := declared.index_hint:
        typer.echo(hint, err=True)


def _list() -> str:
    from cab_assets.declare import catalog, overview
    from cab_assets.tables import sources
    from cab_assets.wiring import Clients

    with closing(Clients(settings().ready())) as clients:
        db = clients.bookings_db
        known = {db.of(each).table: each for each in sources()}
        with catalog.inspecting(db) as inspector:
            return overview.shown(overview.overview(inspector, known))


def _relation(source: str) -> "SourceRelation":
    from cab_assets.declare import catalog
    from cab_assets.wiring import Clients

    with (
        closing(Clients(settings().ready())) as clients,
        catalog.inspecting(clients.bookings_db) as inspector,
    ):
        return catalog.relation(inspector, source)


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
