"""Put a declaration where it belongs: a module of its own, and a line in the tuple of tables."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from cab_assets.declarations import TABLES
from cab_assets.declare.text import Declaration
from cab_assets.errors import CabError

# The line before which a table is added to the tuple
END = re.compile(r"^TABLES: tuple\[Table, \.\.\.\] = \((.*?)\)", re.DOTALL | re.MULTILINE)
IMPORT = "from cab_assets.tables.{} import {}\n"


class NoPlace(CabError):
    """The file that lists the tables is not as the pipeline's checkout has it."""


@dataclass(frozen=True)
class Place:
    """The folder of the tables."""

    folder: Path = TABLES

    def module(self, declared: Declaration) -> Path:
        return self.folder / f"{declared.name}.py"

    def difference(self, declared: Declaration) -> str:
        """Return how the module would change, as a unified diff; empty if it would not."""
        path = self.module(declared)
        before = path.read_text() if path.exists() else ""
        lines = difflib.unified_diff(
            before.splitlines(keepends=True),
            declared.text().splitlines(keepends=True),
            str(path),
            str(path),
        )
        return "".join(lines)

    def write(self, declared: Declaration) -> None:
        """Write the module, and list the table if it is not listed yet."""
        index = self.folder / "__init__.py"
        listed = with_table(index.read_text(), declared)
        self.module(declared).write_text(declared.text())
        index.write_text(listed)


def with_table(index: str, declared: Declaration) -> str:
    """Return the text of the list of tables with one table more."""
    line = IMPORT.format(declared.name, declared.constant)
    if line in index:
        return index
    found = END.search(index)
    imports = re.findall(r"^from cab_assets\.tables\.\S+ import .*\n", index, re.MULTILINE)
    if not (found and imports):
        raise NoPlace(
            f"{TABLES / '__init__.py'} does not list the tables as it should: add {declared.name}"
            " to its tuple TABLES yourself"
        )
    names = [name.strip() for name in found[1].split(",") if name.strip()]
    listed = "".join(f"    {name},\n" for name in [*names, declared.constant])
    index = index.replace(found[0], f"TABLES: tuple[Table, ...] = (\n{listed})")
    return index.replace("".join(imports), "".join(sorted([*imports, line])))
