"""The checks of HiveServer2."""

from cab_assets.cli.scratch import PARTS, SeenOtherwise
from cab_assets.cli.trials.trials import Trials
from cab_assets.store.declare import declare_table
from cab_assets.store.pointers import Pointers


def ask(trials: Trials) -> str:
    trials.undo.callback(trials.hive.close)
    return f"{trials.env.hive_url}: {len(trials.hive.execute('SHOW TABLES'))} tables"


def declare(trials: Trials) -> str:
    """Create a temporary table, and add and move a partition of it, as publishing does."""
    one, two = (trials.lake.url(trials.scratch.path(part)) for part in PARTS)
    pointers = Pointers(trials.hive, trials.scratch.table)
    trials.undo.callback(trials.hive.execute, f"DROP TABLE IF EXISTS {pointers.name}")
    declare_table(trials.hive, pointers.table, trials.lake.url(trials.scratch.folder))
    pointers.claim("1", one)
    pointers.move({"1": two})
    if (found := pointers.location("1")) != two:
        raise SeenOtherwise(
            f"SET LOCATION to {two} was accepted, but DESCRIBE still shows {found}; publishing"
            " would fail with PointerUnsettled"
        )
    return f"table {pointers.name} created, a partition added, moved and described"


def read(trials: Trials) -> str:
    rows = trials.hive.execute(
        f"SELECT {', '.join(trials.scratch.as_text())} FROM {trials.hive.name(trials.scratch.name)}"
    )
    trials.scratch.compare("HiveServer2", "two", rows)
    return "HiveServer2 reads what this process wrote, including timestamps"
