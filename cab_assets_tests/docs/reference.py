"""The pages of docs/reference that are made from the code.

`python -m cab_assets_tests.docs.reference` writes them anew after a change of the code.
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import typer
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from cab_assets.cli.main import app
from cab_assets.declarations import Column, Table
from cab_assets.definitions import defs
from cab_assets.tables import TABLES
from cab_assets.tables.clicks import CLICKSTREAM_BATCHES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
MADE = "This page is made from the code: `python -m cab_assets_tests.docs.reference`."
WIDTH = 100


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {"tables.md": tables(), "commands.md": commands(), "graph.md": graph()}


def tables() -> str:
    """Return the page of the Hive tables and their columns."""
    intro = (
        "All tables are external Hive tables over Parquet, in the database that `CAB_HIVE_URL`"
        " names. A partition's location is the published version of its day. Timestamps are local"
        " times of the business time zone, except where the table says UTC. " + MADE
    )
    return _page("Tables", intro, *map(_table, TABLES))


def _table(table: Table) -> str:
    rows = [
        *map(_column, table.columns),
        f"| `{table.partition_column}` | string | the partition |",
    ]
    if table is CLICKSTREAM_BATCHES:
        rows[-1] = f"| `{table.partition_column}` | bigint | the partition: the batch's number |"
    key = f"Key within a partition: `{'`, `'.join(table.key)}`."
    heading = f"## `{table.name}`\n\n{_wrapped(f'{table.about}. {key}')}"
    return f"{heading}\n\n| column | type | meaning |\n|---|---|---|\n" + "\n".join(rows)


def _column(column: Column) -> str:
    return f"| `{column.name}` | {column.type} | {column.about} |"


def commands() -> str:
    """Return the page of `cab` and its options."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    context = typer.Context(root)
    parts = [
        _command(name, root.get_command(context, name)) for name in root.list_commands(context)
    ]
    intro = f"`cab COMMAND --help` prints the same. {MADE}"
    return _page("Commands", intro, *parts)


def _command(name: str, command: Any) -> str:
    arguments = [each for each in command.params if isinstance(each, TyperArgument)]
    options = [each for each in command.params if isinstance(each, TyperOption)]
    usage = " ".join(["cab", name, *((each.name or "").upper() for each in arguments)])
    about = "\n\n".join(map(_wrapped, (command.help or "").strip().split("\n\n")))
    rows = [
        f"| `{each.opts[0]}` | {(each.help or '').replace('|', chr(92) + '|')} |"
        for each in options
    ]
    table = "\n\n| option | meaning |\n|---|---|\n" + "\n".join(rows) if rows else ""
    return f"## `{usage}`\n\n{about}{table}"


def graph() -> str:
    """Return the page of assets, checks, jobs, schedules and sensors."""
    definitions = defs()
    repository = definitions.get_repository_def()
    assets = [
        f"| `{key.to_user_string()}` | {_one_line(spec.description)} |"
        for key, spec in sorted((spec.key, spec) for spec in definitions.resolve_all_asset_specs())
    ]
    checks = [
        f"| `{key.asset_key.to_user_string()}` | `{key.name}` | {_one_line(of)} |"
        for key, of in sorted(_checks(definitions))
    ]
    jobs = [
        f"| `{job.name}` | {_one_line(job.description)} |"
        for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
        if not job.name.startswith("__")
    ]
    schedules = [
        f"| `{each.name}` | `{each.cron_schedule}` | `{each.job_name}` |"
        f" {_one_line(each.description)} |"
        for each in sorted(repository.schedule_defs, key=lambda each: each.name)
    ]
    sensors = [
        f"| `{each.name}` | {_one_line(each.description)} |"
        for each in sorted(repository.sensor_defs, key=lambda each: each.name)
    ]
    return _page(
        "The graph",
        f"What Dagster shows. {MADE}",
        _section("Assets", "asset | what it is", assets),
        _section("Checks", "asset | check | what it claims", checks),
        _section("Jobs", "job | what it does", jobs),
        _section("Schedules", "schedule | when | job | what it does", schedules),
        _section("Sensors", "sensor | what it does", sensors),
    )


def _checks(definitions: dg.Definitions) -> Iterator[tuple[dg.AssetCheckKey, str | None]]:
    for node in definitions.resolve_asset_graph().assets_defs:
        for spec in node.check_specs:
            yield spec.key, spec.description


def _section(title: str, header: str, rows: list[str]) -> str:
    rule = "|".join("---" for _ in header.split("|"))
    return f"## {title}\n\n| {header} |\n|{rule}|\n" + "\n".join(rows)


def _one_line(text: str | None) -> str:
    """Return a description for a cell of a table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def _page(title: str, intro: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", _wrapped(intro), *parts]) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False
    )


def main(texts: Iterable[tuple[str, str]]) -> None:
    """Write the pages."""
    for name, text in texts:
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main(pages().items())
