"""The clients for the checks of `cab doctor`: those that runs use, with the user's settings."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow.fs as pafs

from cab_assets.cli.scratch import Scratch
from cab_assets.declarations import Table
from cab_assets.wiring import Clients

# Time-out of HiveServer2: the first query after a start of Apache Hive can take more than 20 s
HIVE_SECONDS = 45


@dataclass(frozen=True)
class Trials(Clients):
    """The clients, and the temporary objects that the checks create."""

    hive_seconds: int = HIVE_SECONDS
    # Deletes everything that was created
    undo: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def scratch(self) -> Scratch:
        return Scratch(self.lake)

    def folders(self, tables: Iterable[Table]) -> list[str]:
        """Return the tables whose folder exists, by name."""
        return [table.name for table in tables if self._is_folder(table.name)]

    def delete(self, folder: str) -> None:
        """Delete a folder of the lake if it exists."""
        if self._is_folder(folder):
            self.lake.files.delete_dir(folder)

    def clear(self) -> str:
        self.undo.close()
        return "everything that the checks created is deleted"

    def _is_folder(self, path: str) -> bool:
        return bool(self.lake.files.get_file_info(path).type == pafs.FileType.Directory)
